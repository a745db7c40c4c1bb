#!/usr/bin/env bash
# Runs every check of the project. In: nothing. Out: a line per step, jest's summary, and last `N passed, M failed`.
# Installs the Debian packages that it lacks where it can (root, apt-get), and otherwise names each and what is skipped for it.
set -uo pipefail
cd "$(dirname "$0")/.."

# package:program:what is skipped without it
needs=(
  "iptables:iptables-nft-restore:every test that feeds rules to a kernel"
  "iproute2:ip:every test that sends packets between namespaces"
  "ipset:ipset:the tests of rules that use sets"
  "conntrack:conntrack:the tests that look at connection tracking"
  "ethtool:ethtool:every test that sends packets between namespaces"
  "procps:sysctl:the tests of the command line on a node, and of plan -o sh"
  "util-linux:unshare:the tests that run in a namespace of their own"
  "util-linux:setpriv:the tests of what an unprivileged user may do"
  "bsdutils:script:the test of colour on a terminal"
  "qemu-system-x86:qemu-system-x86_64:every test that needs ip_vs"
  "busybox-static:busybox:every test that needs ip_vs"
  "cpio:cpio:every test that needs ip_vs"
  "kmod:depmod:every test that needs ip_vs"
  "ipvsadm:ipvsadm:every test that needs ip_vs"
)
export PATH="$PATH:/usr/local/sbin:/usr/sbin:/sbin"
missing() { for need in "${needs[@]}"; do IFS=: read -r _ program _ <<<"$need"; command -v "$program" >/dev/null || echo "$need"; done; }
lacking=$(missing)
if [ -n "$lacking" ] && [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
  packages=$(cut -d: -f1 <<<"$lacking" | sort -u)
  echo "installing Debian packages:" $packages
  # shellcheck disable=SC2086 # one word per package
  { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $packages; } >/tmp/rulewright-apt.log 2>&1 ||
    echo "apt-get failed: $(tail -1 /tmp/rulewright-apt.log)"
  lacking=$(missing)
fi
while IFS=: read -r package program what; do
  [ -z "$package" ] || echo "MISSING: $program of the Debian package $package: skipping $what"
done <<<"$lacking"
if [ -n "$lacking" ] && [ -n "${CI:-}" ]; then
  echo "in CI nothing may be skipped"
  echo "0 passed, 1 failed"
  exit 1
fi

passed=0 failed=0
step() {
  local name=$1 start=$SECONDS output
  shift
  if output=$("$@" 2>&1); then
    passed=$((passed + 1)) && echo "ok   $name ($((SECONDS - start)) s)"
  else
    failed=$((failed + 1)) && echo "FAIL $name" && echo "$output"
  fi
}
bin=node_modules/.bin
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
# The slowest goes beside the others, on the second core; what it says comes in its turn.
aside() { "${@:2}" >"$scratch/$1" 2>&1; echo $? >"$scratch/$1.status"; }
aside lint $bin/eslint -c .config/eslint.config.js . &
linting=$!
step "types" $bin/tsc -p .
# Its last part is the declarations of rules/, which is compiled with no ambient types; `npm ci` may have made them just now.
is_built() { [ -e dist/rules/index.d.ts ] && [ -z "$(find src rules .config package.json -newer dist/rules/index.d.ts -print -quit)" ]; }
build() { is_built || node .config/build.js; }
step "build, and types of rules/" build
step "format" $bin/prettier --check --log-level warn .
step "stages import only earlier ones" $bin/depcruise --config .config/dependency-cruiser.cjs src rules
step "no unused files, exports or dependencies" $bin/knip --config .config/knip.json

wait "$linting"
said() { cat "$scratch/$1" && return "$(cat "$scratch/$1.status")"; }
step "lint" said lint

result=$scratch/result
# Three at a time on two cores: tests that send packets wait for the most part. With a larger young generation the many tests of random
# input take a sixth less. A worker that has grown begins anew: every process that a large one starts costs a copy of its page tables.
node --max-semi-space-size=32 --experimental-vm-modules --disable-warning=ExperimentalWarning node_modules/jest/bin/jest.js \
  --maxWorkers=3 --workerIdleMemoryLimit=400MB --json --outputFile "$result" "$@"
jest=$?
read -r ran broken skipped < <(node -e '
  const r = JSON.parse(require("node:fs").readFileSync(process.argv[1], "utf8") || "{}");
  console.log(r.numPassedTests ?? 0, (r.numFailedTests ?? 0) + (r.numRuntimeErrorTestSuites ?? 0), r.numPendingTests ?? 0);
' "$result" 2>/dev/null || echo 0 1 0)
[ "$jest" = 0 ] || [ "$broken" != 0 ] || broken=1
if [ "$skipped" != 0 ]; then
  echo "$skipped tests were skipped; each says why in its title"
  [ -z "${CI:-}" ] || { echo "in CI nothing may be skipped" && broken=$((broken + 1)); }
fi
echo "$((passed + ran)) passed, $((failed + broken)) failed"
[ $((failed + broken)) = 0 ]
