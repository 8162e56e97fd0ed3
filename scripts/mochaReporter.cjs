// Mocha's spec reporter, and a JSON file with what ran: counts per tier and the files that held tests.
const { writeFileSync } = require('node:fs');
const Mocha = require('mocha');

module.exports = class TierReporter extends Mocha.reporters.Spec {
  constructor(runner, options) {
    super(runner, options);
    const files = new Set();
    const counts = { passed: 0, failed: 0, skipped: 0 };
    const slow = [];
    runner.on('test end', (test) => files.add(test.file));
    runner.on('pass', (test) => {
      counts.passed++;
      slow.push({ title: test.fullTitle(), ms: test.duration });
    });
    runner.on('fail', (test) => {
      counts.failed++;
      files.add(test.file);
    });
    runner.on('pending', () => counts.skipped++);
    runner.once('end', () => {
      slow.sort((a, b) => b.ms - a.ms);
      const out = process.env.NEURON_INSPECTOR_TEST_RESULT;
      if (out)
        writeFileSync(out, JSON.stringify({ ...counts, files: [...files], slowest: slow.slice(0, 5) }));
    });
  }
};
