import assert from 'node:assert/strict';
import { UserError } from '../../../src/base/errors.js';
import { createRandom } from '../../../src/base/random.js';
import { intervalRules } from '../../../src/engine/bounds/intervalTable.js';
import { type IntervalBounds, propagateIntervals } from '../../../src/engine/bounds/propagateIntervals.js';
import { GraphBuilder } from '../../../src/engine/graph/graphBuilder.js';
import { inferTypes } from '../../../src/onnx/shapes/inferTypes.js';
import { float32Tensor, type TensorValue, toFloat64 } from '../../../src/onnx/tensorValue.js';
import { boundRounding, shifted } from '../../support/boundsCheck.js';
import { buildCase, type BuiltCase, caseRuntime } from '../../support/gradientCase.js';
import { caseByOperator, inside, one, type SmallCase } from '../../support/smallGradientCases.js';

const radius = 0.07;

/** Bounds the first result with boxes around all operands, or around the first where a rule takes no others. */
function boundsOf(built: BuiltCase): { bounds: IntervalBounds; boxed: readonly string[] } {
  const attempt = (boxed: readonly string[]): IntervalBounds => {
    const types = inferTypes(built.model);
    const builder = new GraphBuilder(built.model);
    const boxes = boxed.map((value) => ({
      value,
      lower: builder.addInput(`${value}_low`, types.get(value)!),
      upper: builder.addInput(`${value}_high`, types.get(value)!),
    }));
    return propagateIntervals(builder.build(), { boxes, values: [built.outputs[0]!], types });
  };
  try {
    return { bounds: attempt(built.wrt), boxed: built.wrt };
  } catch (error) {
    if (!(error instanceof UserError) || error.code !== 'bound-form-unsupported') throw error;
    return { bounds: attempt(['x0']), boxed: ['x0'] };
  }
}

/** Operators that came after opset 20. */
const firstOpsets: Readonly<Record<string, number>> = { Swish: 24, RMSNormalization: 23 };

/** Forms that have bounds where the smallest case of the gradient has none. */
const ownCases: Readonly<Record<string, SmallCase>> = {
  Pow: { inputs: [[2, 3], float32Tensor([2], [])], map: (value) => value },
};

async function checkRule(op: string): Promise<void> {
  const given = ownCases[op] ?? caseByOperator.get(op) ?? one;
  const built = buildCase({ map: inside, ...given, op, opset: firstOpsets[op] ?? 20 }, createRandom(4));
  const random = createRandom(5);
  const { bounds, boxed } = boundsOf(built);
  const feeds: Record<string, TensorValue> = { ...built.feeds };
  for (const name of boxed) {
    feeds[`${name}_low`] = shifted(built.feeds[name]!, () => -radius);
    feeds[`${name}_high`] = shifted(built.feeds[name]!, () => radius);
  }
  const [output] = built.outputs;
  const builder = new GraphBuilder(bounds.model);
  const { lower, upper } = bounds.bounds.get(output!)!;
  builder.setOutputs([
    builder.node('Identity', [lower], { outputs: ['low'] }),
    builder.node('Identity', [upper], { outputs: ['high'] }),
  ]);
  const results = await (await caseRuntime.open(builder.build())).run(feeds);
  const [low, high] = [toFloat64(results['low']!), toFloat64(results['high']!)];
  const plain = await caseRuntime.open(built.model);
  for (let sample = 0; sample < 20; sample++) {
    const moved = { ...built.feeds };
    for (const name of boxed) {
      moved[name] = shifted(
        built.feeds[name]!,
        () => radius * (sample % 2 === 0 ? Math.sign(random.normal()) : 2 * random.next() - 1),
      );
    }
    const y = toFloat64((await plain.run(moved, [output!]))[output!]!);
    assert.equal(low.length, y.length);
    y.forEach((value, i) => {
      const slack = boundRounding * Math.max(1, Math.abs(value));
      assert.ok(
        low[i]! - slack <= value && value <= high[i]! + slack,
        `${value} is outside [${low[i]!}, ${high[i]!}]`,
      );
    });
  }
}

describe('every interval rule', () => {
  for (const op of intervalRules.flatMap((rule) => rule.opTypes)) {
    it(`of ${op} holds every sampled point`, async () => {
      await checkRule(op);
    });
  }
});
