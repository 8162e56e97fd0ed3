import { layerWeight } from '../../../engine/weights/layerWeight.js';
import { readersOf, type UnitReader, type UnitStart } from '../../../engine/weights/unitReaders.js';
import { UserError } from '../../../base/errors.js';
import type { LayerTable } from '../../../onnx/layers/layer.js';
import type { TypeTable } from '../../../onnx/shapes/typeTable.js';
import type { AnalysisContext } from '../../analysis.js';
import { type Head, headOf } from './head.js';
import { languageTask } from './languageTask.js';
import { type VocabularyEntry, vocabularyEffects, vocabularyGraph } from './vocabularyEffects.js';

/** What 1 more of a neuron's value adds to the scores of tokens. */
export interface UnitVocabulary {
  /** Layer whose weights bring it there, and whether it is the unembedding itself. */
  readonly layer: string;
  readonly isHead: boolean;
  /** Final normalisation whose gain is not stored as it is and was left out, if any. */
  readonly normWithoutGain: string | undefined;
  /** By token id. */
  readonly effects: Float64Array;
}

/**
 * Returns what a neuron of a language model writes as the vocabulary reads it: its weights out into the residual stream, through
 * the final normalisation's mean and gain and the unembedding; of a neuron of the stream itself, without weights out. Effects of
 * the layers in between are left out. Undefined where the model is no language model, or where no weights bring the neuron there.
 */
export async function unitVocabulary(
  context: Pick<AnalysisContext, 'model' | 'data' | 'runtime' | 'signal'>,
  { table, types }: { readonly table: LayerTable; readonly types: TypeTable },
  unit: UnitStart,
): Promise<UnitVocabulary | undefined> {
  const { model, data } = context;
  const task = languageTask(model, data);
  const head = task === undefined ? undefined : await headOf(table, task.logits);
  if (head === undefined) return undefined;
  const { readers } = readersOf(unit, { table, types });
  const reader = readerTowards(head, readers, { table, types });
  const [input, ...others] = reader?.inputs ?? [];
  const entry = reader === undefined ? undefined : await entryOf(reader, { head, table });
  // A unit whose positions were flattened into inputs has no one row.
  if (reader === undefined || entry === undefined || input === undefined || others.length > 0) {
    return undefined;
  }
  const graph = vocabularyGraph(model, entry);
  if (graph === undefined) return undefined;
  const isNormed = entry.through !== head.layer && head.norm !== undefined && head.norm.gain === undefined;
  for await (const { effects } of vocabularyEffects(context, graph, [input])) {
    return {
      layer: reader.layer.name,
      isHead: reader.layer === head.layer,
      normWithoutGain: isNormed ? head.norm.name : undefined,
      effects,
    };
  }
  return undefined;
}

/** The unembedding where it reads the neuron, else the first layer that writes where the unembedding reads. */
function readerTowards(
  head: Head,
  readers: readonly UnitReader[],
  context: { readonly table: LayerTable; readonly types: TypeTable },
): UnitReader | undefined {
  const direct = readers.find(({ layer }) => layer === head.layer);
  return direct ?? readers.find(({ layer }) => isReadBy(head, layer, context));
}

/** Queries and keys are as wide as the residual stream, and write nothing into it. */
function isReadBy(
  head: Head,
  { output, unitAxis }: UnitReader['layer'],
  context: { readonly table: LayerTable; readonly types: TypeTable },
): boolean {
  if (unitAxis === null) return false;
  const { readers } = readersOf({ value: output, unitAxis, unit: 0 }, context);
  return readers.some(({ layer }) => layer === head.layer);
}

/** Where the neuron's 1 enters: the reading layer's product, or the stream in front of the final normalisation. */
async function entryOf(
  { layer, through }: UnitReader,
  { head, table }: { readonly head: Head; readonly table: LayerTable },
): Promise<VocabularyEntry | undefined> {
  const isOfStream = layer === head.layer && head.norm !== undefined && through.includes(head.norm.name);
  try {
    const { layout, at } = await layerWeight(layer, table);
    const [width] = layout.sliceDims;
    if (at.isLeft || width === undefined) return undefined;
    return { table, head, width, through: isOfStream ? undefined : layer };
  } catch (error) {
    if (error instanceof UserError && error.code === 'no-weights') return undefined;
    throw error;
  }
}
