import assert from 'node:assert/strict';
import { UserError } from '../../../src/base/errors.js';
import { judge, parseThreshold } from '../../../src/runs/thresholds.js';
import { makeReport } from '../../support/makeReport.js';

const metrics = ['deadShare', 'deadCount'];

function isCrossed(
  text: string,
  report = makeReport({ metrics: { deadShare: 0.3, deadCount: 12 } }),
): boolean {
  return judge(parseThreshold(text, metrics), report).isCrossed;
}

describe('thresholds', () => {
  const cases: [string, boolean][] = [
    ['deadShare>0.3', false],
    ['deadShare>=0.3', true],
    ['deadShare > 0.2999', true],
    ['deadShare<0.3', false],
    ['deadShare<=0.3', true],
    ['deadShare == 0.3', true],
    ['deadShare==3e-1', true],
    ['deadCount==12', true],
    ['deadCount<-1', false],
    ['deadCount>+1.', true],
  ];
  for (const [text, expected] of cases) {
    it(`${text} ${expected ? 'is' : 'is not'} crossed at deadShare 0.3, deadCount 12`, () => {
      assert.equal(isCrossed(text), expected);
    });
  }

  for (const text of [
    'deadShare',
    'deadShare>',
    '>3',
    'deadShare=3',
    'deadShare!=3',
    'deadShare>NaN',
    'deadShare>3>4',
    'deadShare>3%',
    '',
  ]) {
    it(`refuses "${text}" as no threshold`, () => {
      assert.throws(() => parseThreshold(text, metrics), hasCode('bad-threshold'));
    });
  }

  it('refuses a metric that is not declared and suggests the nearest', () => {
    assert.throws(
      () => parseThreshold('deadshare>0.1', metrics),
      (error) =>
        error instanceof UserError &&
        error.code === 'unknown-metric' &&
        error.message.includes('"deadShare"'),
    );
  });

  for (const value of ['NaN', 'Infinity', '-Infinity'] as const) {
    it(`fails when the metric is ${value}, whichever way the threshold points`, () => {
      const report = makeReport({ metrics: { deadShare: value } });
      for (const text of ['deadShare>1', 'deadShare<1']) {
        const judgement = judge(parseThreshold(text, metrics), report);
        assert(judgement.isCrossed);
        assert(judgement.reason.includes(value));
      }
    });
  }

  it('fails with the reason when the metric was not captured', () => {
    const report = makeReport({
      metrics: { deadShare: 0 },
      evidence: { deadShare: { kind: 'not-captured', how: 'the model has no activations' } },
    });
    const judgement = judge(parseThreshold('deadShare>0.5', metrics), report);
    assert(judgement.isCrossed);
    assert.match(judgement.reason, /the model has no activations/);
    assert(judge(parseThreshold('deadCount>0.5', metrics), report).isCrossed);
  });
});

function hasCode(code: string): (error: unknown) => boolean {
  return (error) => error instanceof UserError && error.code === code && error.kind === 'input';
}
