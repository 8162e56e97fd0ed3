import { throwIfAborted, yieldToEventLoop } from '../../../base/abort.js';
import { GraphBuilder } from '../../../engine/graph/graphBuilder.js';
import { prune } from '../../../engine/rewrites/prune.js';
import { shaping } from '../../../onnx/blocks/walks.js';
import { dataTypeFacts } from '../../../onnx/dataTypes.js';
import { type GraphView, graphViewsOf } from '../../../onnx/layers/graphView.js';
import type { GraphNode, Model } from '../../../onnx/model.js';
import { elementCountOf, toFloat64 } from '../../../onnx/tensorValue.js';
import type { AnalysisContext } from '../../analysis.js';
import type { HealthResult } from '../../shared/healthRun.js';
import { type Product, productsOf, productValues, skippedMacs } from '../../shared/products.js';
import { fedBatches, pickFeeds } from '../../shared/sweep.js';
import { concreteTypes, firstBatch, sizesOf } from '../../shared/targetPlan.js';

/** The convolutions and matrix products of a model, and zeros that only a run on their own operands tells. */
export interface ProductWork {
  readonly products: readonly Product[];
  /** Share of zeros by value: of operands that pooling and the like make of activations. */
  readonly zeroShares: ReadonlyMap<string, number>;
  /** Samples that those shares rest on; undefined where there are none. */
  readonly sampleCount: number | undefined;
}

/** Zeros behind pooling rest on the first samples, at most this many. */
export const zeroSampleCount = 512;

/**
 * Operators that may hand zeros of their first operand on. How many is not for their kind to say: a maximum is 0 where all of its
 * window is, so that zeros are counted in what they give.
 */
const passing: ReadonlySet<string> = new Set([
  ...shaping,
  ...['MaxPool', 'AveragePool', 'GlobalMaxPool', 'GlobalAveragePool', 'LpPool', 'Pad', 'Slice', 'Split'],
  ...['Gather', 'Resize', 'ReduceMax', 'ReduceMean', 'ReduceSum', 'DepthToSpace', 'SpaceToDepth'],
]);

/** Tells whether a model has operators behind which zeros are counted anew, as far as its kinds of operators say. */
export function passesZerosOn({ graph }: Model): boolean {
  return graph.nodes.some(
    ({ domain, opType }) => domain === '' && passing.has(opType) && !shaping.has(opType),
  );
}

/** Returns the values that products multiply and that come from activations through operators that may pass zeros on. */
function passedOn(products: readonly Product[], view: GraphView, activations: ReadonlySet<string>): string[] {
  const known = new Map<string, boolean>();
  const leads = (value: string): boolean => {
    const before = known.get(value);
    if (before !== undefined) return before;
    const producer = view.index.producerOf(value);
    const found = activations.has(value) || (producer !== undefined && leadsThrough(producer));
    known.set(value, found);
    return found;
  };
  const leadsThrough = ({ domain, opType, inputs }: GraphNode): boolean => {
    if (domain !== '') return false;
    const computed = inputs.filter((input) => input !== '' && !view.constants.has(input));
    // A concatenation with what is no activation has zeros that are none of an activation; a product is 0 where any factor is.
    if (opType === 'Concat') return computed.length > 0 && computed.every(leads);
    if (opType === 'Mul') return computed.some(leads);
    return passing.has(opType) && leads(inputs[0] ?? '');
  };
  const values = products.flatMap(({ node, operands }) =>
    operands.some((operand) => activations.has(operand))
      ? []
      : node.inputs.slice(0, 2).filter((input) => !view.constants.has(input) && leads(input)),
  );
  return [...new Set(values)];
}

/**
 * Returns the convolutions and matrix products of the context's model, sized on the first batch, with the zeros of what they read
 * behind `activations`, counted where they read it.
 */
export async function productsOnData(
  context: AnalysisContext,
  activations: ReadonlySet<string>,
): Promise<ProductWork> {
  const { data, model } = context;
  const first = data === undefined ? undefined : await firstBatch(context, data);
  const [view] = graphViewsOf(model);
  if (data === undefined || first === undefined || view === undefined) return noProducts;
  const types = await concreteTypes(context, first.feeds, productValues(model));
  const products = productsOf(model, types, first.rowCount);
  const values = passedOn(products, view, activations).filter((value) => {
    const dims = sizesOf(types.get(value));
    return dims !== undefined && dims.length > 1 && (dims[0] ?? 0) % first.rowCount === 0;
  });
  if (values.length === 0) return { products, zeroShares: new Map(), sampleCount: undefined };
  return { products, ...(await countZeros({ ...context, data }, values)) };
}

const noProducts: ProductWork = { products: [], zeroShares: new Map(), sampleCount: undefined };

/** Returns the model whose outputs are the shares of zeros of each row of some values, [rows]. */
function zerosGraph(
  model: Model,
  values: readonly string[],
): { readonly counting: Model; readonly outputs: readonly string[] } {
  const builder = new GraphBuilder(model);
  builder.setOutputs([]);
  const float32 = dataTypeFacts('float32').code;
  const outputs = values.map((value) => {
    const isZero = builder.node('Equal', [builder.cast(value, float32), builder.scalar(0)]);
    const rows = builder.node('Flatten', [builder.cast(isZero, float32)], { attributes: { axis: 1 } });
    const output = builder.reduce('ReduceMean', rows, [1], false);
    builder.addOutput(output);
    return output;
  });
  return { counting: prune(builder.build(), outputs), outputs };
}

async function countZeros(
  context: AnalysisContext & { readonly data: NonNullable<AnalysisContext['data']> },
  values: readonly string[],
): Promise<Pick<ProductWork, 'zeroShares' | 'sampleCount'>> {
  const { model, data, runtime, signal } = context;
  const { counting, outputs } = zerosGraph(model, values);
  const session = await runtime.open(counting, { purpose: 'probe' });
  const sums = values.map(() => ({ zeros: 0, rows: 0 }));
  let sampleCount = 0;
  try {
    const limit = Math.min(data.sampleCount, context.limit ?? Infinity, zeroSampleCount);
    for await (const { batch, feeds, rowCount } of fedBatches(context, model, limit)) {
      const found = await session.run(pickFeeds(feeds, session), outputs);
      for (const [index, sum] of sums.entries()) {
        const rows = found[outputs[index] ?? ''];
        if (rows === undefined) continue;
        // Of rows that fill up a fixed batch none is a sample; positions that were folded into rows belong to their sample.
        const own = (elementCountOf(rows.dims) / rowCount) * batch.sampleCount;
        sum.zeros += toFloat64(rows)
          .subarray(0, own)
          .reduce((total, share) => total + share, 0);
        sum.rows += own;
      }
      sampleCount += batch.sampleCount;
      await yieldToEventLoop();
      throwIfAborted(signal);
    }
  } finally {
    await session.close();
  }
  const shares = values.map((value, index) => [value, ratioOf(sums[index])] as const);
  return { zeroShares: new Map(shares), sampleCount };
}

function ratioOf(sum: { readonly zeros: number; readonly rows: number } | undefined): number {
  return sum === undefined || sum.rows === 0 ? 0 : sum.zeros / sum.rows;
}

/**
 * Returns the share of all multiply–accumulates that are with an entry of an activation that is exactly 0; undefined where none are
 * counted.
 */
export function skippableShare(
  { products, zeroShares }: ProductWork,
  figures: HealthResult['figures'],
): number | undefined {
  const zeros = new Map(
    figures.layers.map(({ swept, nonZeroFraction }) => [swept.target.leaving, 1 - nonZeroFraction]),
  );
  const { macCount, skippedCount } = skippedMacs(
    products,
    (value) => zeros.get(value) ?? zeroShares.get(value),
  );
  return macCount === 0 ? undefined : skippedCount / macCount;
}
