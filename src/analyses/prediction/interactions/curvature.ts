import { throwIfAborted, yieldToEventLoop } from '../../../base/abort.js';
import { hessianProduct } from '../../../engine/gradients/hessianProduct.js';
import { GraphBuilder } from '../../../engine/graph/graphBuilder.js';
import { ElementMoments } from '../../../engine/numeric/elementMoments.js';
import { prune } from '../../../engine/rewrites/prune.js';
import type { Feeds, Session } from '../../../engine/runtime/session.js';
import type { Model } from '../../../onnx/model.js';
import { elementCountOf, float32Tensor, type TensorValue, toFloat64 } from '../../../onnx/tensorValue.js';
import type { AnalysisContext } from '../../analysis.js';
import { slotBatches } from '../../shared/fixedBatch.js';
import { cutAt } from '../attribution/cut.js';
import { withHeldFeeds } from '../attribution/heldFeeds.js';
import { rowOf } from '../attribution/points.js';
import type { ExplainedTensor } from '../attribution/problem.js';
import { rowTypes } from '../attribution/rowTypes.js';
import { addSelection } from '../attribution/selection.js';
import type { OpenedFunction } from '../functions/openFunction.js';

/**
 * Returns mean over rows of |v_jᵀ H v_k| for every two features `[F, F]`, H being the Hessian of f and v_j one standard
 * deviation of each element of feature j: how much the effect of one deviation of k changes with one of j. One
 * Hessian-vector product for each feature and row.
 *
 * @throws UserError where an operator on the way has no gradient.
 */
export async function curvatureOf(context: AnalysisContext, f: OpenedFunction): Promise<Float64Array> {
  const { inputs, rows } = f.problem;
  const featureCount = f.features.maxCount;
  f.expect(featureCount * rows.count);
  const spreads = inputs.map((input) => spreadOf(input, rows.count));
  const graph = await productGraph(context, f);
  const session = await context.runtime.open(graph.model);
  const result = new Float64Array(featureCount ** 2);
  try {
    for (let feature = 0; feature < featureCount; feature++) {
      for (const { count, slots: own } of slotBatches(rows.count, context)) {
        throwIfAborted(context.signal);
        const products = await session.run(feedsOf(f, { graph, session, spreads, feature, own }));
        const values = graph.products.map((name) => (name === undefined ? undefined : products[name]));
        addRows(result, f, { feature, spreads, values, count, slotCount: own.length });
        f.problem.advance(count);
        await yieldToEventLoop();
      }
    }
  } finally {
    await session.close();
  }
  return result.map((value) => value / rows.count);
}

interface ProductGraph {
  readonly model: Model;
  readonly inputNames: readonly string[];
  readonly directionNames: readonly string[];
  /** H·v per input; undefined where the gradient does not change. */
  readonly products: readonly (string | undefined)[];
}

async function productGraph(context: AnalysisContext, { problem }: OpenedFunction): Promise<ProductGraph> {
  const { model, inputs, selection, rows } = problem;
  const cut = cutAt(model, inputs);
  const builder = new GraphBuilder(cut.model);
  const { selected, cotangent } = addSelection(builder, selection);
  const directionNames = inputs.map(({ elementType, dims }, i) =>
    builder.addInput(`ni/direction${String(i)}`, { kind: 'tensor', elementType, shape: [null, ...dims] }),
  );
  const product = hessianProduct(builder.build(), {
    seeds: [{ value: selection.value, cotangent }],
    directions: inputs.map(({ value }, i) => ({ value, tangent: directionNames[i] ?? '' })),
    types: await rowTypes(context, rows),
  });
  const ending = new GraphBuilder(product.model);
  const products = inputs.map(({ value }) => product.products.get(value));
  // The runtime needs an output even where nothing curves.
  const outputs = [...new Set([selected, ...products.filter((name) => name !== undefined)])];
  ending.setOutputs(outputs);
  return { model: prune(ending.build(), outputs), inputNames: cut.inputNames, directionNames, products };
}

interface Step {
  readonly graph: ProductGraph;
  readonly session: Session;
  readonly spreads: readonly Float64Array[];
  readonly feature: number;
  readonly own: readonly number[];
}

function feedsOf(f: OpenedFunction, { graph, session, spreads, feature, own }: Step): Feeds {
  const { problem, elements } = f;
  const feeds: Record<string, TensorValue> = {};
  for (const [i, input] of problem.inputs.entries()) {
    const size = elementCountOf(input.dims);
    const [points, directions] = [new Float32Array(own.length * size), new Float32Array(own.length * size)];
    for (const [slot, row] of own.entries()) {
      points.set(rowOf(input, row), slot * size);
      for (const element of elements[i]?.[feature] ?? []) {
        directions[slot * size + element] = spreads[i]?.[element] ?? 0;
      }
    }
    const dims = [own.length, ...input.dims];
    feeds[graph.inputNames[i] ?? ''] = float32Tensor(points, dims);
    feeds[graph.directionNames[i] ?? ''] = float32Tensor(directions, dims);
  }
  return withHeldFeeds(feeds, problem, { session, rowOfPoint: own });
}

/** Adds |v_kᵀ (H v_j)| of some rows for every feature k. */
function addRows(
  result: Float64Array,
  { elements, features }: OpenedFunction,
  step: {
    readonly feature: number;
    readonly spreads: readonly Float64Array[];
    readonly values: readonly (TensorValue | undefined)[];
    /** Rows that count, of the slots that were run. */
    readonly count: number;
    readonly slotCount: number;
  },
): void {
  const products = step.values.map((value) => (value === undefined ? undefined : toFloat64(value)));
  for (let other = 0; other < features.maxCount; other++) {
    for (let slot = 0; slot < step.count; slot++) {
      let curved = 0;
      for (const [i, product] of products.entries()) {
        const size = (product?.length ?? 0) / step.slotCount;
        for (const element of elements[i]?.[other] ?? []) {
          curved += (product?.[slot * size + element] ?? 0) * (step.spreads[i]?.[element] ?? 0);
        }
      }
      const at = step.feature * features.maxCount + other;
      result[at] = (result[at] ?? 0) + Math.abs(curved);
    }
  }
}

/** Standard deviation of every element over the rows. */
function spreadOf(input: ExplainedTensor, rowCount: number): Float64Array {
  const moments = new ElementMoments(elementCountOf(input.dims));
  for (let row = 0; row < rowCount; row++) moments.add(rowOf(input, row));
  return moments.variance().map(Math.sqrt);
}
