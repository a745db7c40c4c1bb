// Which folders may import which. In: src and rules. Out: an error for a cycle, and for a stage that imports a later one.
const stage = (name, from, not) => ({ name, severity: "error", from: { path: from }, to: { path: not } });

module.exports = {
  forbidden: [
    { name: "no-cycles", severity: "error", from: {}, to: { circular: true } },
    stage("rules-import-only-rules", "^rules/", "^src/"),
    stage("net-is-first", "^rules/(net|radix)/", "^rules/(decode|offline|model|iptables)/"),
    stage("decode-before-model", "^rules/decode/", "^rules/(offline|model|iptables)/"),
    stage("offline-beside-model", "^rules/offline/", "^rules/(model|iptables)/"),
    stage("model-before-backends", "^rules/model/", "^rules/(offline|iptables)/"),
    stage("ruleset-before-text", "^rules/iptables/ruleset/", "^rules/iptables/(text|diff|script)/"),
    stage("text-before-diff", "^rules/iptables/text/", "^rules/iptables/(diff|script)/"),
    stage("diff-before-script", "^rules/iptables/diff/", "^rules/iptables/script/"),
    stage("kernel-knows-no-input", "^src/kernel/", "^src/(commands|desired|manifest|config|output|golden)/"),
    stage("input-knows-no-kernel", "^src/(manifest|config)/", "^src/(commands|desired|kernel|output|golden)/"),
  ],
  options: {
    doNotFollow: { path: "node_modules" },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: "tsconfig.json" },
  },
};
