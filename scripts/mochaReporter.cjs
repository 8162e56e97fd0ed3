// Mocha's spec reporter, and a JSON file with what ran: counts per tier, the files that held tests, and what was tried twice.
const { writeFileSync } = require('node:fs');
const Mocha = require('mocha');

module.exports = class TierReporter extends Mocha.reporters.Spec {
  constructor(runner, options) {
    super(runner, options);
    const files = new Set();
    const counts = { passed: 0, failed: 0, skipped: 0 };
    const retried = [];
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
    // Said aloud: a test that needed a second try has a race to be found.
    runner.on('retry', (test, error) => {
      retried.push(test.fullTitle());
      Mocha.reporters.Base.consoleLog(`  ! tried again: ${test.fullTitle()}: ${error.message}`);
    });
    runner.on('pending', () => counts.skipped++);
    runner.once('end', () => {
      slow.sort((a, b) => b.ms - a.ms);
      const out = process.env.NEURON_INSPECTOR_TEST_RESULT;
      if (out)
        writeFileSync(
          out,
          JSON.stringify({ ...counts, files: [...files], retried, slowest: slow.slice(0, 5) }),
        );
    });
  }
};
