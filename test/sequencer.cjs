// Jest's order of test files. In: files. Out: those of folders that take long first, so that the last to end is a short one.
const Sequencer = require("@jest/test-sequencer").default;

/** Boots, then agents, then packets and processes. Without this a machine that has run nothing yet begins with the largest files. */
const slow = [
  /\/test\/ipvs\//,
  /\/test\/agent\//,
  /\/test\/(packets|lab|deploy|src\/commands|src\/from-cluster|src\/kernel)\//,
];

module.exports = class extends Sequencer {
  sort(tests) {
    const rank = ({ path }) => [...slow, /./].findIndex((folder) => folder.test(path));
    return super.sort(tests).toSorted((a, b) => rank(a) - rank(b));
  }
};
