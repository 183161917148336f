// Shows a run as mocha's "spec" does, and adds the numbers of each test file to the file that COUNTS_FILE names.
const { appendFileSync } = require('node:fs');
const { relative } = require('node:path');
const { reporters } = require('mocha');

module.exports = class CountingReporter extends reporters.Spec {
  constructor(runner, options) {
    super(runner, options);
    const files = new Map();
    const count = (kind) => ({ file }) => {
      const name = file === undefined ? '' : relative(process.cwd(), file);
      const counts = files.get(name) ?? { passes: 0, failures: 0, pending: 0 };
      counts[kind] += 1;
      files.set(name, counts);
    };
    runner.on('pass', count('passes'));
    runner.on('fail', count('failures'));
    runner.on('pending', count('pending'));
    runner.once('end', () => {
      const target = process.env.COUNTS_FILE;
      if (target === undefined) return;
      for (const [file, counts] of files) appendFileSync(target, `${JSON.stringify({ file, ...counts })}\n`);
    });
  }
};
