import assert from 'node:assert/strict';
import { createRandom } from '../../../src/base/random.js';
import { type CurveFit, fitCurve, peakOf } from '../../../src/engine/numeric/curves/fitCurve.js';
import { itHolds } from '../../support/papers.js';

const truth = { A: 300, lambda: 0.05, gamma: 0.0005, t0: 1.2, K: 100 };
const steps = Array.from({ length: 150 }, (_, i) => (i * 143_000) / 149);

function emergence(t: number): number {
  const x = truth.gamma * t + truth.t0;
  return truth.A * Math.exp(-truth.lambda * x) * Math.log(x) + truth.K;
}

/** Where x ln x = 1/λ, by bisection. */
function truePeak(): number {
  let [low, high] = [1, 1000];
  for (let i = 0; i < 100; i++) {
    const middle = (low + high) / 2;
    if (middle * Math.log(middle) < 1 / truth.lambda) low = middle;
    else high = middle;
  }
  return (low - truth.t0) / truth.gamma;
}

function fitted(name: Parameters<typeof fitCurve>[0], times: number[], values: number[]): CurveFit {
  const fit = fitCurve(name, times, values);
  if (typeof fit === 'string') throw new Error(fit);
  return fit;
}

function assertNear(actual: number, expected: number, tolerance: number, what: string): void {
  assert(Math.abs(actual / expected - 1) < tolerance, `${what}: ${actual} against ${expected}`);
}

describe('fitting a curve', function () {
  // 200 fits of 150 points.
  this.timeout(20_000);

  itHolds(159, 'finds A, λ, γ, t₀ and K of an emergence curve exactly where there is no noise', () => {
    const fit = fitted('emergence', steps, steps.map(emergence));
    for (const [name, value] of Object.entries(truth)) {
      assertNear(fit.parameters[name]!, value, 1e-6, name);
    }
    assertNear(peakOf(fit), truePeak(), 1e-6, 'peak');
    assert(fit.rSquared > 1 - 1e-12);
    assert.deepEqual(fit.unidentified, []);
  });

  itHolds(
    159,
    'at 2 % noise has the curve within 1 %, its peak time and K within 5 %, and bands that cover 95 ± 3 % over 200 seeds',
    () => {
      let [covered, total] = [0, 0];
      const watched = steps.filter((_, i) => i % 10 === 5);
      for (let seed = 0; seed < 200; seed++) {
        const random = createRandom(seed);
        const noisy = steps.map((step) => emergence(step) * (1 + 0.02 * random.normal()));
        const fit = fitted('emergence', steps, noisy);
        let squares = 0;
        for (const step of watched) {
          const { value, halfWidth } = fit.at(step);
          if (Math.abs(value - emergence(step)) <= halfWidth) covered++;
          squares += (value / emergence(step) - 1) ** 2;
          total++;
        }
        assert(Math.sqrt(squares / watched.length) < 0.01, `curve, seed ${seed}`);
        assertNear(peakOf(fit), truePeak(), 0.05, `peak, seed ${seed}`);
        assertNear(fit.parameters['K']!, truth.K, 0.05, `K, seed ${seed}`);
      }
      assert(Math.abs(covered / total - 0.95) < 0.03, `bands cover ${covered / total}`);
    },
  );

  itHolds(159, 'says which parameters the checkpoints do not determine', () => {
    // The first hundredth of the training: a line, whatever the curve.
    const random = createRandom(1);
    const early = steps.slice(0, 40).map((step) => step / 30);
    const values = early.map((step) => emergence(step) * (1 + 0.02 * random.normal()));
    assert(fitted('emergence', early, values).unidentified.length > 0);
    assert.throws(() => fitted('emergence', [1, 2, 3, 4, 5], [1, 2, 3, 2, 1]), /5 parameters/);
    assert.throws(
      () =>
        fitted(
          'emergence',
          steps,
          steps.map(() => 3),
        ),
      /all the same/,
    );
  });

  it('leaves open what exact points leave open: a step between two of them, one side of a sigmoid, a line', () => {
    const t = [0, 1, 2, 3, 4, 5, 6, 7];
    const sigmoid = (middle: number, width: number) =>
      t.map((time) => 1 / (1 + Math.exp((middle - time) / width)));
    const open = (name: Parameters<typeof fitCurve>[0], values: number[]) => {
      const { unidentified, errors } = fitted(name, t, values);
      for (const key of ['m', 'tau'].filter((one) => unidentified.includes(one))) {
        assert(Number.isNaN(errors[key]), `no error is known of ${key}`);
      }
      return unidentified.join();
    };
    // The height is known, not where between the two the step is, nor how wide.
    assert.equal(open('sigmoid', [0, 0, 0, 0, 1, 1, 1, 1]), 'm,w');
    assert.equal(open('sigmoid', [0, 0, 0, 0.4, 1, 1, 1, 1]), 'm,w');
    assert.match(open('sigmoid', sigmoid(-10, 2)), /L.*m/);
    assert.match(open('sigmoid', sigmoid(20, 2)), /L.*m/);
    assert.equal(open('sigmoid', t), 'L,K,m,w');
    assert.equal(open('exponential', t), 'A,tau,K');
    assert.equal(open('exponential', [1, 0, 0, 0, 0, 0, 0, 0]), 'tau');
    // What ends at 0 has an end that is known.
    assert.equal(open('sigmoid', sigmoid(3.3, 0.8)), '');
    const flat = t.map((time) => (time % 2 === 0 ? 0.1 + 0.2 : 0.3));
    assert.throws(() => fitted('sigmoid', t, flat), /all the same/);
    assert.throws(() => fitted('sigmoid', [0, 1, 2, 2], [1, 2, 3, 3]), /4 parameters.*3 different/);
  });

  itHolds(231, 'finds the convergent power law and the log-space power law of activation ratios', () => {
    const tokens = Array.from({ length: 30 }, (_, i) => (i + 1) * 1e9);
    const silu = fitted(
      'power',
      tokens,
      tokens.map((t) => 0.4 - 3 / t ** 0.2),
    );
    assertNear(silu.parameters['alpha']!, 0.2, 1e-5, 'α of SiLU');
    assertNear(silu.parameters['c']!, 3, 1e-4, 'c of SiLU');
    assertNear(silu.parameters['R0']!, 0.4, 1e-5, 'R₀ of SiLU');
    const relu = fitted(
      'log-power',
      tokens,
      tokens.map((t) => 0.08 + Math.exp(-1 - 1e-5 * t ** 0.5)),
    );
    assertNear(relu.parameters['alpha']!, 0.5, 1e-5, 'α of ReLU');
    assertNear(relu.parameters['c']!, 1e-5, 1e-3, 'c of ReLU');
    assertNear(relu.parameters['b']!, -1, 1e-4, 'b of ReLU');
    assertNear(relu.parameters['R0']!, 0.08, 1e-4, 'R₀ of ReLU');
  });

  it('finds the middle and the width of a step', () => {
    const fit = fitted(
      'sigmoid',
      steps,
      steps.map((step) => 2 + 5 / (1 + Math.exp(-(step - 40_000) / 3000))),
    );
    assertNear(fit.parameters['m']!, 40_000, 1e-6, 'middle');
    assertNear(fit.parameters['w']!, 3000, 1e-6, 'width');
    assertNear(fit.parameters['L']!, 5, 1e-6, 'height');
  });
});
