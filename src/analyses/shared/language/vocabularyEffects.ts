import { throwIfAborted, yieldToEventLoop } from '../../../base/abort.js';
import { GraphBuilder } from '../../../engine/graph/graphBuilder.js';
import { prune } from '../../../engine/rewrites/prune.js';
import { dataTypeFacts } from '../../../onnx/dataTypes.js';
import type { Layer, LayerTable } from '../../../onnx/layers/layer.js';
import type { GraphNode, Model } from '../../../onnx/model.js';
import { inferTypes } from '../../../onnx/shapes/inferTypes.js';
import type { TypeTable } from '../../../onnx/shapes/typeTable.js';
import { float32Tensor, toFloat64 } from '../../../onnx/tensorValue.js';
import type { AnalysisContext } from '../../analysis.js';
import { type Head, rowProductOf } from './head.js';

/** Where rows enter the way to the vocabulary. */
export interface VocabularyEntry {
  readonly table: LayerTable;
  readonly head: Head;
  /** Layer whose product the rows enter, maybe the unembedding itself; undefined: they are of the residual stream already. */
  readonly through: Layer | undefined;
  /** Length of a row. */
  readonly width: number;
}

/** What makes effects of rows. */
export interface VocabularyGraph {
  readonly model: Model;
  readonly width: number;
}

/** Effects of a run, about: rows × vocabulary. */
const effectCount = 2 ** 22;

const rowsInput = 'ni/rows';
const effectsOutput = 'ni/effects';

/**
 * Returns the graph that takes rows to what they add to the scores of the vocabulary: through a product, the final
 * normalisation's mean and gain and the unembedding, as their nodes make them, quantised or not. What the layers in between make of
 * it is left out. Undefined where rows cannot be put into a product, or are of another width than the unembedding reads.
 *
 * Source: Voita, Ferrando & Nalmpantis (2023), "Neurons in Large Language Models: Dead, N-gram, Positional",
 * https://arxiv.org/abs/2309.04827. Differs: with the mean that a LayerNorm takes away.
 */
export function vocabularyGraph(
  model: Model,
  { table, head, through, width }: VocabularyEntry,
): VocabularyGraph | undefined {
  const [view] = table.views;
  const product = through === undefined || view === undefined ? undefined : rowProductOf(through, view);
  if (through !== undefined && product === undefined) return undefined;
  const types = inferTypes(model, { keepsUnnamed: true });
  // Behind the unembedding there is nothing to take rows through.
  const isHead = through === head.layer;
  if (!isHead && !canMeet(through === undefined ? width : through.unitCount, head, types)) return undefined;
  const builder = new GraphBuilder(model);
  let rows = builder.addInput(rowsInput, { kind: 'tensor', elementType: 'float32', shape: ['rows', width] });
  if (product !== undefined) rows = linearly(builder, { node: product, rows, types });
  if (!isHead) {
    rows = normed(builder, head, rows);
    rows = linearly(builder, { node: head.product, rows, types });
  }
  builder.node('Identity', [rows], { outputs: [effectsOutput] });
  builder.addOutput(effectsOutput);
  return { model: prune(builder.build(), [effectsOutput]), width };
}

/** Whether rows of a width are what the unembedding reads: where it reads another, the stream is projected in between. */
function canMeet(width: number | null, { norm, product }: Head, types: TypeTable): boolean {
  const type = types.get(product.inputs[0] ?? '');
  const size = type?.kind === 'tensor' ? type.shape?.at(-1) : undefined;
  const wanted = norm?.gain?.length ?? (typeof size === 'number' ? size : undefined);
  return width === null || wanted === undefined || wanted === width;
}

function normed(builder: GraphBuilder, { norm }: Head, rows: string): string {
  const centred =
    norm?.isCentred === true
      ? builder.node('Sub', [rows, builder.reduce('ReduceMean', rows, [-1], true)])
      : rows;
  const gain = norm?.gain;
  if (gain === undefined) return centred;
  return builder.node('Mul', [centred, builder.constant(float32Tensor([...gain], [gain.length]))]);
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

/** A neuron of those asked for, and what 1 of it adds to the score of every token. */
export interface VocabularyEffect {
  /** Its place among those asked for. */
  readonly at: number;
  /** By token id. */
  readonly effects: Float64Array;
}

/** Yields what a 1 at each of the places of a row adds to the scores of the vocabulary, in their order. */
export async function* vocabularyEffects(
  { runtime, signal }: Pick<AnalysisContext, 'runtime' | 'signal'>,
  { model, width }: VocabularyGraph,
  places: readonly number[],
): AsyncGenerator<VocabularyEffect> {
  const session = await runtime.open(model, { purpose: 'probe' });
  let chunk = 1;
  try {
    for (let start = 0; start < places.length;) {
      const own = places.slice(start, start + chunk);
      const rows = new Float32Array((own.length + 1) * width);
      for (const [at, place] of own.entries()) rows[at * width + place] = 1;
      const values = await session.run({ [rowsInput]: float32Tensor(rows, [own.length + 1, width]) });
      const made = values[effectsOutput];
      if (made === undefined) throw new Error('Effects on the vocabulary are missing.');
      const elements = toFloat64(made);
      const size = elements.length / (own.length + 1);
      for (const at of own.keys()) {
        yield { at: start + at, effects: elements.slice(at * size, (at + 1) * size) };
      }
      start += own.length;
      chunk = Math.max(1, Math.floor(effectCount / size));
      await yieldToEventLoop();
      throwIfAborted(signal);
    }
  } finally {
    await session.close();
  }
}
