import { throwIfAborted, yieldToEventLoop } from '../../../base/abort.js';
import { GraphBuilder } from '../../../engine/graph/graphBuilder.js';
import { prune } from '../../../engine/rewrites/prune.js';
import { dataTypeFacts } from '../../../onnx/dataTypes.js';
import type { LayerTable } from '../../../onnx/layers/layer.js';
import type { GraphNode, Model } from '../../../onnx/model.js';
import { inferTypes } from '../../../onnx/shapes/inferTypes.js';
import type { TypeTable } from '../../../onnx/shapes/typeTable.js';
import { float32Tensor, toFloat64 } from '../../../onnx/tensorValue.js';
import { createTopK, insert } from '../../../engine/numeric/topK.js';
import type { AnalysisContext } from '../../analysis.js';
import type { Detector } from './detect.js';
import { type Head, rowProductOf } from '../../shared/language/head.js';
import { tokensOf } from './ngrams.js';
import type { TokenSite } from './sites.js';

/** What an active neuron does to the scores of the vocabulary. */
export interface Projection {
  /** Tokens whose scores it raises most, largest first. */
  readonly promoted: readonly number[];
  /** Tokens whose scores it lowers most, lowest first. */
  readonly suppressed: readonly number[];
  /** What it does to the tokens that it fires on, in standard deviations of its effects from their mean over the vocabulary. */
  readonly ownEffect: number;
}

/** Tokens named on each side. */
const namedCount = 5;

/** Effects of a run, about: rows × vocabulary. */
const effectCount = 2 ** 22;

/**
 * Returns what each detector writes, as it is read by the vocabulary: its row of the down projection, taken through the final
 * normalisation's mean and gain and the unembedding, times the sign that its activations mostly have. Effects of the layers in
 * between are left out. Detectors of layers whose weights rows cannot be put into are missing.
 */
export async function projectionsOf(
  context: AnalysisContext,
  { table, head }: { readonly table: LayerTable; readonly head: Head },
  detectors: readonly Detector[],
): Promise<ReadonlyMap<Detector, Projection>> {
  const projections = new Map<Detector, Projection>();
  const types = inferTypes(context.model, { keepsUnnamed: true });
  for (const site of new Set(detectors.map((detector) => detector.site))) {
    const model = projectingModel(context.model, { table, head, types, site });
    if (model === undefined) continue;
    const own = detectors.filter((detector) => detector.site === site);
    for (const [detector, effects] of await effectsOf(context, model, own)) {
      projections.set(detector, projectionOf(detector, effects));
    }
  }
  return projections;
}

const rowsInput = 'ni/units';
const effectsOutput = 'ni/effects';

interface Place {
  readonly table: LayerTable;
  readonly head: Head;
  readonly types: TypeTable;
  readonly site: TokenSite;
}

/** [rows, U] → [rows, V], in which a row of zeros gives what biases and zero points add. */
function projectingModel(model: Model, { table, head, types, site }: Place): Model | undefined {
  const layer = table.byName.get(site.mlp.downProjection);
  const [view] = table.views;
  const down = layer === undefined || view === undefined ? undefined : rowProductOf(layer, view);
  if (layer === undefined || down === undefined) return undefined;
  // A model whose feed-forward layer is its last has nothing to take rows through.
  const isLast = layer === head.layer;
  if (!isLast && !canMeet(layer.unitCount, head, types)) return undefined;
  const builder = new GraphBuilder(model);
  const shape = ['rows', site.target.unitCount];
  let rows = builder.addInput(rowsInput, { kind: 'tensor', elementType: 'float32', shape });
  rows = linearly(builder, { node: down, rows, types });
  if (!isLast) {
    if (head.norm?.isCentred === true) {
      rows = builder.node('Sub', [rows, builder.reduce('ReduceMean', rows, [-1], true)]);
    }
    const gain = head.norm?.gain;
    if (gain !== undefined) {
      rows = builder.node('Mul', [rows, builder.constant(float32Tensor([...gain], [gain.length]))]);
    }
    rows = linearly(builder, { node: head.product, rows, types });
  }
  builder.node('Identity', [rows], { outputs: [effectsOutput] });
  builder.addOutput(effectsOutput);
  return prune(builder.build(), [effectsOutput]);
}

/** Whether rows of a width are what the unembedding reads: where it reads another, the stream is projected in between. */
function canMeet(width: number | null, { norm, product }: Head, types: TypeTable): boolean {
  const type = types.get(product.inputs[0] ?? '');
  const size = type?.kind === 'tensor' ? type.shape?.at(-1) : undefined;
  const wanted = norm?.gain?.length ?? (typeof size === 'number' ? size : undefined);
  return width === null || wanted === undefined || wanted === width;
}

interface LinearStep {
  readonly node: GraphNode;
  /** [rows, in], the last of them zeros. */
  readonly rows: string;
  readonly types: TypeTable;
}

/** Appends a product as its node makes it, without what it adds whatever comes in: f(x) − f(0). */
function linearly(builder: GraphBuilder, { node, rows, types }: LinearStep): string {
  const float = dataTypeFacts('float32').code;
  const type = types.get(node.inputs[0] ?? '');
  const code = type?.kind === 'tensor' ? dataTypeFacts(type.elementType).code : float;
  const made = builder.node(node.opType, [builder.cast(rows, code), ...node.inputs.slice(1)], {
    domain: node.domain,
    attributes: Object.fromEntries(node.attributes),
  });
  const wide = builder.cast(made, float);
  const [start, end, axis] = [builder.int64s([-1]), builder.int64s([2 ** 31]), builder.int64s([0])];
  return builder.node('Sub', [wide, builder.node('Slice', [wide, start, end, axis])]);
}

async function effectsOf(
  { runtime, signal }: AnalysisContext,
  model: Model,
  detectors: readonly Detector[],
): Promise<Map<Detector, Float64Array>> {
  const effects = new Map<Detector, Float64Array>();
  const unitCount = detectors[0]?.site.target.unitCount ?? 0;
  const session = await runtime.open(model, { purpose: 'probe' });
  let chunk = 1;
  try {
    for (let start = 0; start < detectors.length;) {
      const own = detectors.slice(start, start + chunk);
      const rows = new Float32Array((own.length + 1) * unitCount);
      for (const [at, { unit }] of own.entries()) rows[at * unitCount + unit] = 1;
      const values = await session.run({ [rowsInput]: float32Tensor(rows, [own.length + 1, unitCount]) });
      const made = values[effectsOutput];
      if (made === undefined) throw new Error('Effects on the vocabulary are missing.');
      const elements = toFloat64(made);
      const size = elements.length / (own.length + 1);
      for (const [at, detector] of own.entries()) {
        effects.set(detector, elements.slice(at * size, (at + 1) * size));
      }
      start += own.length;
      chunk = Math.max(1, Math.floor(effectCount / size));
      await yieldToEventLoop();
      throwIfAborted(signal);
    }
  } finally {
    await session.close();
  }
  return effects;
}

function projectionOf({ activeCount, positiveCount, cover }: Detector, effects: Float64Array): Projection {
  const sign = 2 * positiveCount >= activeCount ? 1 : -1;
  const signed = effects.map((effect) => sign * effect);
  const mean = signed.reduce((sum, effect) => sum + effect, 0) / signed.length;
  const variance = signed.reduce((sum, effect) => sum + (effect - mean) ** 2, 0) / signed.length;
  const top = createTopK(2, namedCount);
  for (const [id, effect] of signed.entries()) {
    insert(top, 0, effect, id);
    insert(top, 1, -effect, id);
  }
  const own = cover.ngrams.reduce((sum, { ngram, count }) => {
    return sum + count * (signed[tokensOf(ngram).at(-1) ?? -1] ?? NaN);
  }, 0);
  const named = (unit: number): number[] =>
    [...top.ids.subarray(unit * namedCount, (unit + 1) * namedCount)].filter((id) => id >= 0);
  return {
    promoted: named(0),
    suppressed: named(1),
    ownEffect: variance === 0 ? 0 : (own / cover.count - mean) / Math.sqrt(variance),
  };
}
