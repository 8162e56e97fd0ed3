import type { Dataset } from '../../../data/dataset.js';
import { tokenizerBeside } from '../../../data/text/openTokenizer.js';
import { readTokenizer, type Tokenizer } from '../../../data/text/tokenizer.js';
import { layerWeight } from '../../../engine/weights/layerWeight.js';
import { forEachElement } from '../../../engine/weights/operandElements.js';
import { elementCountOf } from '../../../onnx/tensorValue.js';
import type { LayerTable } from '../../../onnx/layers/layer.js';
import type { Model } from '../../../onnx/model.js';
import { type Head, headOf } from '../../shared/language/head.js';
import { languageTask } from '../../shared/language/languageTask.js';
import type { ReadUnit } from './readUnits.js';

/** What a neuron adds to the scores of tokens, for each unit of its value. */
export interface VocabularyEffect {
  /** Layer whose weights bring it there, and whether it is the unembedding itself. */
  readonly layer: string;
  readonly isHead: boolean;
  /** By token id. */
  readonly effects: Float64Array;
  readonly tokenizer: Tokenizer | undefined;
}

/**
 * Returns what a neuron of a language model writes as the vocabulary reads it: its weights out into the residual stream, through
 * the final normalisation's mean and gain and the unembedding; or its weights in the unembedding where that reads it. Effects of
 * the layers in between are left out. Undefined where the model is no language model or the widths do not meet.
 */
export async function vocabularyEffect(
  model: Model,
  { table, data }: { readonly table: LayerTable; readonly data: Dataset | undefined },
  readers: readonly ReadUnit[],
): Promise<VocabularyEffect | undefined> {
  const task = languageTask(model, data);
  const head = task === undefined ? undefined : await headOf(table, task.logits);
  if (head === undefined) return undefined;
  const direct = readers.find(({ layer }) => layer === head.layer.name);
  const [first] = readers;
  const effects =
    direct?.values ?? (first === undefined ? undefined : await throughHead(head, table, first.values));
  if (effects === undefined || first === undefined) return undefined;
  const path = tokenizerBeside(model.file.path);
  const tokenizer = data?.tokens?.tokenizer ?? (path === undefined ? undefined : await readTokenizer(path));
  return { layer: (direct ?? first).layer, isHead: direct !== undefined, effects, tokenizer };
}

async function throughHead(
  { layer, norm }: Head,
  table: LayerTable,
  row: Float64Array,
): Promise<Float64Array | undefined> {
  const { operand, layout, at } = await layerWeight(layer, table);
  if (at.isLeft || elementCountOf(layout.sliceDims) !== row.length) return undefined;
  if (norm?.gain !== undefined && norm.gain.length !== row.length) return undefined;
  const mean = norm?.isCentred === true ? row.reduce((sum, value) => sum + value, 0) / row.length : 0;
  const read = row.map((value, unit) => (value - mean) * (norm?.gain?.[unit] ?? 1));
  const effects = new Float64Array(layout.unitCount);
  await forEachElement(operand, (stored, flat) => {
    const token = layout.unitOf(flat);
    effects[token] = (effects[token] ?? 0) + stored * layout.factor * (read[layout.placeOf(flat)] ?? 0);
  });
  return effects;
}
