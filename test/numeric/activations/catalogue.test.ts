import assert from 'node:assert/strict';
import { appendExpression } from '../../../src/activations/appendExpression.js';
import { activationCatalogue } from '../../../src/activations/catalogue.js';
import { derivativeOf } from '../../../src/activations/derivative.js';
import {
  type ActivationEntry,
  defaultParameters,
  fill,
  parameterNames,
} from '../../../src/activations/entry.js';
import { type ActivationProperties, propertiesOf } from '../../../src/activations/properties.js';
import { createRandom } from '../../../src/base/random.js';
import { erf } from '../../../src/engine/numeric/errorFunction.js';
import { GraphBuilder } from '../../../src/engine/graph/graphBuilder.js';
import { createRuntime } from '../../../src/engine/runtime/ortRuntime.js';
import { float32Tensor, type TensorValue, toFloat64 } from '../../../src/onnx/tensorValue.js';
import { emptyModel, floatType } from '../../support/modelBuilder.js';

const entries = [...activationCatalogue.values()];
const random = createRandom(5);
const points = Float32Array.from({ length: 60 }, () => 12 * random.next() - 6);

function entryOf(id: string): ActivationEntry {
  const entry = activationCatalogue.get(id);
  assert(entry !== undefined, id);
  return entry;
}

describe('every entry of the catalogue of activations', function () {
  this.timeout(10_000);
  let computed: Readonly<Record<string, TensorValue>>;

  before(async () => {
    // One session for all: values and derivatives of every entry, as graphs.
    const builder = new GraphBuilder(emptyModel());
    const input = builder.addInput('x', floatType('N'));
    for (const entry of entries) {
      const names = parameterNames(entry);
      const defaults = defaultParameters(entry);
      const parameters = Object.fromEntries(names.map((name, i) => [name, defaults[i] ?? NaN]));
      for (const [suffix, expression] of [
        ['', entry.expression],
        ['′', derivativeOf(entry.expression)],
      ] as const) {
        const value = appendExpression(builder, expression, { input, parameters });
        builder.node('Add', [value, builder.node('Mul', [input, builder.scalar(0)])], {
          outputs: [entry.id + suffix],
        });
        builder.addOutput(entry.id + suffix);
      }
    }
    const session = await createRuntime({ provider: 'cpu', threadCount: 1 }).open(builder.build());
    computed = await session.run({ x: float32Tensor(points, [points.length]) });
    await session.close();
  });

  it('has names, a formula and a source with an address', () => {
    for (const { id, names, formula, source } of entries) {
      assert.match(id, /^[a-z][a-z0-9]*(-[a-z0-9]+)*$/);
      assert.ok(names.length > 0 && formula !== '', id);
      assert.ok(source.title.length > 5, id);
      assert.match(source.url, /^https?:\/\/\S+$/, id);
    }
    const byFormula = new Set(entries.map(({ formula, parameters }) => formula + JSON.stringify(parameters)));
    assert.equal(byFormula.size, entries.length, 'no entry is there twice');
  });

  it('has the derivative of central differences, to 1e-6 (60 places, seed 5)', () => {
    const h = 1e-5;
    for (const entry of entries) {
      const { value, slope } = fill(entry);
      for (const x of points) {
        const expected = (value(x + h) - value(x - h)) / (2 * h);
        assert.ok(
          Math.abs(slope(x) - expected) <= 1e-6 * (1 + Math.abs(expected)),
          `${entry.id} at ${x}: ${slope(x)}, ${expected}`,
        );
      }
    }
  });

  it('computes as an ONNX graph what it computes in float64, to float32 accuracy, its derivative too', () => {
    for (const entry of entries) {
      const { value, slope } = fill(entry);
      for (const [suffix, expected] of [
        ['', value],
        ['′', slope],
      ] as const) {
        const values = toFloat64(computed[entry.id + suffix]!);
        for (const [i, x] of points.entries()) {
          const wanted = expected(x);
          // sin(30 x) at 6 has lost five bits before it is taken, times 30 for the slope.
          const tolerance = entry.id === 'siren' ? 5e-4 : 4e-6;
          assert.ok(
            Math.abs(values[i]! - wanted) <= tolerance * (1 + Math.abs(wanted)),
            `${entry.id}${suffix} at ${x}: ${values[i]}, ${wanted}`,
          );
        }
      }
    }
  });

  it('takes the error function to 1e-15 of tabulated values', () => {
    // Abramowitz & Stegun, table 7.1, and erfc(4).
    for (const [x, expected] of [
      [0.5, 0.5204998778130465],
      [1, 0.8427007929497149],
      [2, 0.9953222650189527],
      [4, 1 - 1.541725790028002e-8],
    ] as const) {
      assert.ok(Math.abs(erf(x) - expected) < 2e-15, `${x}: ${erf(x)}`);
      assert.equal(erf(-x), -erf(x));
    }
  });
});

describe('the properties of an activation', () => {
  const known = new Map<string, ActivationProperties>();
  const of = (id: string): ActivationProperties => {
    const properties = known.get(id);
    assert(properties !== undefined, id);
    return properties;
  };
  const isNear = (found: number, expected: number, tolerance: number, what: string): void => {
    const agrees = found === expected || Math.abs(found - expected) <= tolerance;
    assert.ok(agrees, `${what}: ${found}, ${expected}`);
  };

  before(async () => {
    const ids =
      'relu leaky-relu relu6 elu selu celu sigmoid tanh softplus softsign gelu silu hard-swish sine growing-cosine squared-relu hard-shrink smelu isrlu nlrelu lecun-tanh absolute';
    for (const id of ids.split(' ')) known.set(id, await propertiesOf(entryOf(id)));
  });

  it('have the range of closed forms', () => {
    const lambdaAlpha = 1.0507009873554805 * 1.6732632423543772;
    for (const [id, low, high] of [
      ['relu', 0, Infinity],
      ['relu6', 0, 6],
      ['leaky-relu', -Infinity, Infinity],
      ['elu', -1, Infinity],
      ['selu', -lambdaAlpha, Infinity],
      ['sigmoid', 0, 1],
      ['tanh', -1, 1],
      ['softplus', 0, Infinity],
      ['softsign', -1, 1],
      // x · (x + 3) / 6 is least at −3/2.
      ['hard-swish', -3 / 8, Infinity],
      // −W(1/e) for W e^W = 1/e.
      ['silu', -0.2784645427610738, Infinity],
      ['sine', -1, 1],
      ['growing-cosine', -Infinity, Infinity],
      ['nlrelu', 0, Infinity],
      ['lecun-tanh', -1.7159, 1.7159],
    ] as const) {
      isNear(of(id).range.low, low, 1e-6, `${id} low`);
      isNear(of(id).range.high, high, 1e-6, `${id} high`);
    }
  });

  it('have the Lipschitz constant of closed forms', () => {
    // GELU is steepest at √2: Φ(√2) + √2 φ(√2).
    const gelu = (1 + erf(1)) / 2 + Math.SQRT2 * (Math.exp(-1) / Math.sqrt(2 * Math.PI));
    for (const [id, expected] of [
      ['relu', 1],
      ['sigmoid', 1 / 4],
      ['tanh', 1],
      ['selu', 1.0507009873554805 * 1.6732632423543772],
      ['celu', 1],
      ['gelu', gelu],
      ['hard-swish', 3 / 2],
      ['sine', 1],
      ['squared-relu', Infinity],
      ['growing-cosine', Infinity],
      ['hard-shrink', Infinity],
      ['lecun-tanh', (1.7159 * 2) / 3],
    ] as const) {
      isNear(of(id).lipschitz, expected, 2e-6, id);
    }
  });

  it('have the mean of closed forms under a standard normal input, 0 where they are zero-centred', () => {
    const phi = 1 / Math.sqrt(2 * Math.PI);
    for (const [id, expected] of [
      ['relu', phi],
      ['leaky-relu', 0.99 * phi],
      // E z Φ(z) = 1/(2√π).
      ['gelu', 1 / (2 * Math.sqrt(Math.PI))],
      ['sigmoid', 0.5],
      // E (e^z − 1; z < 0) = √e Φ(−1) − 1/2.
      ['elu', phi + (Math.sqrt(Math.E) * (1 - erf(Math.SQRT1_2))) / 2 - 0.5],
      ['squared-relu', 0.5],
      ['absolute', 2 * phi],
      ['tanh', 0],
      ['softsign', 0],
      ['selu', 0],
      ['sine', 0],
    ] as const) {
      isNear(of(id).gaussianMean, expected, 1e-6, id);
    }
    isNear(of('selu').gaussianSquare, 1, 1e-6, 'SELU keeps the variance at 1');
    isNear(of('relu').gaussianSlopeSquare, 0.5, 1e-9, 'half of the slopes of ReLU are 1');
  });

  it('say how smooth they are and where their pieces meet', () => {
    for (const [id, smoothness, places] of [
      ['hard-shrink', -1, [-0.5, 0.5]],
      ['relu', 0, [0]],
      ['relu6', 0, [0, 6]],
      ['selu', 0, [0]],
      ['hard-swish', 0, [-3, 3]],
      ['elu', 1, [0]],
      ['softsign', 1, [0]],
      ['squared-relu', 1, [0]],
      ['smelu', 1, [-0.5, 0.5]],
      ['isrlu', 2, [0]],
      ['gelu', null, []],
      ['silu', null, []],
    ] as const) {
      assert.equal(of(id).smoothness, smoothness, id);
      assert.deepEqual(
        of(id).joints.map(({ x }) => x),
        [...places],
        id,
      );
    }
  });

  it('say whether they rise, and their symmetry', () => {
    for (const id of ['relu', 'tanh', 'selu', 'softsign', 'hard-shrink']) {
      assert.equal(of(id).monotonicity, 'increasing', id);
    }
    for (const id of ['gelu', 'silu', 'hard-swish', 'sine', 'absolute']) {
      assert.equal(of(id).monotonicity, 'not monotonic', id);
    }
    for (const id of ['tanh', 'softsign', 'sine', 'growing-cosine', 'hard-shrink']) {
      assert.equal(of(id).symmetry, 'odd', id);
    }
    assert.equal(of('absolute').symmetry, 'even');
    assert.equal(of('sigmoid').symmetry, 'none');
  });
});
