// Which folders may import which. In: src and rules. Out: an error for a cycle, and for a stage that imports a later one.
const stage = (name, from, not) => ({ name, severity: "error", from: { path: from }, to: { path: not } });

module.exports = {
  forbidden: [
    { name: "no-cycles", severity: "error", from: {}, to: { circular: true } },
    stage("rules-import-only-rules", "^rules/", "^src/"),
    stage(
      "net-is-first",
      "^rules/(net|radix)/",
      "^rules/(decode|offline|model|iptables|ipset|dns|trace|compare|graph|explain)/",
    ),
    stage(
      "decode-before-model",
      "^rules/decode/",
      "^rules/(offline|model|iptables|ipset|dns|trace|compare|graph|explain)/",
    ),
    stage("offline-beside-model", "^rules/offline/", "^rules/(model|iptables|ipset|dns|trace|compare|graph|explain)/"),
    stage("model-before-backends", "^rules/model/", "^rules/(offline|iptables|ipset|dns|trace|compare|graph|explain)/"),
    stage(
      "ipset-knows-no-model",
      "^rules/ipset/",
      "^rules/(decode|offline|model|iptables|dns|trace|compare|graph|explain)/",
    ),
    stage("backends-know-no-readers", "^rules/iptables/", "^rules/(ipset|dns|trace|compare|graph|explain)/"),
    stage("addresses-know-addresses-only", "^rules/addresses/", "^rules/(?!addresses/|net/|radix/|never|problem|flat)"),
    stage(
      "no-backend-imports-another",
      "^rules/(iptables|ipset|addresses|net|radix|decode|offline|model|conntrack|dns|trace)/",
      "^rules/ipvs/",
    ),
    stage(
      "ipvs-shares-rules-and-chains",
      "^rules/ipvs/",
      "^rules/iptables/(script|text/(?!parse[.])|ruleset/(?!rule|chain|dispatch|tree|service-chains|loopback-guard)|diff/(?!change|diff|cause))",
    ),
    stage("trace-knows-rules-only", "^rules/trace/", "^rules/(decode|offline|model|dns|compare|graph|explain)/"),
    stage("compare-knows-rules-only", "^rules/compare/", "^rules/(decode|offline|model|dns|graph|explain)/"),
    stage("graph-knows-rules-only", "^rules/graph/", "^rules/(decode|offline|model|dns|compare|explain)/"),
    stage("dns-knows-objects-only", "^rules/dns/", "^rules/(offline|iptables|ipset|trace|compare|graph|explain)/"),
    stage("ruleset-before-text", "^rules/iptables/ruleset/", "^rules/iptables/(text|diff|script)/"),
    stage("text-before-diff", "^rules/iptables/text/", "^rules/iptables/(diff|script)/"),
    stage("diff-before-script", "^rules/iptables/diff/", "^rules/iptables/script/"),
    stage("kernel-knows-no-input", "^src/kernel/", "^src/(commands|desired|manifest|config|output|golden|subject)/"),
    stage("input-knows-no-kernel", "^src/(manifest|config)/", "^src/(commands|desired|kernel|output|golden|subject)/"),
    stage("watch-knows-no-kernel", "^src/watch/", "^src/(commands|desired|output|golden|subject|kernel|agent|debug)/"),
    stage(
      "metrics-are-first",
      "^src/metrics/",
      "^src/(commands|desired|manifest|config|kernel|output|golden|subject|http|health|watch|agent|debug)/",
    ),
    stage(
      "http-knows-no-content",
      "^src/http/",
      "^src/(commands|desired|manifest|config|kernel|output|golden|subject|health|agent|debug)/",
    ),
    stage(
      "health-knows-no-kernel",
      "^src/health/",
      "^src/(commands|desired|manifest|config|kernel|output|golden|subject|watch|agent|debug)/",
    ),
    stage("agent-before-commands", "^src/(agent|debug)/", "^src/(commands|golden)/"),
    stage(
      "conntrack-knows-the-model-only",
      "^rules/conntrack/",
      "^rules/(offline|iptables|ipset|dns|trace|compare|graph|explain)/",
    ),
    stage(
      "node-services-know-no-input",
      "^src/(conntrack|sysctl|events)/",
      "^src/(commands|desired|manifest|output|golden|subject|agent|debug)/",
    ),
    stage("subject-before-commands", "^src/subject/", "^src/(commands|golden)/"),
  ],
  options: {
    doNotFollow: { path: "node_modules" },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: "tsconfig.json" },
  },
};
