/**
 * Makes each test of a suite stand on those before: after one that fails, the rest are skipped. (Mocha's `bail` would also
 * keep every suite that comes later from running.)
 */
export function stepByStep(): void {
  let hasFailed = false;
  beforeEach(function () {
    if (hasFailed) this.skip();
  });
  afterEach(function () {
    hasFailed ||= this.currentTest?.state === 'failed';
  });
}
