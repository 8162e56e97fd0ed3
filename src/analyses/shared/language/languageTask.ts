import type { Dataset } from '../../../data/dataset.js';
import { inputTargets } from '../../../data/inputTargets.js';
import { languageInputs, type RoledInput } from '../../../data/text/textRoles.js';
import { dataTypeFacts } from '../../../onnx/dataTypes.js';
import type { GraphNode, Model, ValueInfo } from '../../../onnx/model.js';
import { inferTypes } from '../../../onnx/shapes/inferTypes.js';

/** A model that predicts tokens at every position of a row of tokens. */
export interface LanguageTask {
  /** The input of token ids, int64 or int32 [N, T]. */
  readonly ids: string;
  /** The input that is 0 at padding, [N, T]; undefined where nothing is padded. */
  readonly mask: string | undefined;
  /** What every input takes. */
  readonly inputs: readonly RoledInput[];
  /** The output that scores the vocabulary at every position, [N, T, V]. */
  readonly output: string;
  /** What enters its final Softmax or LogSoftmax, else the output. */
  readonly logits: string;
  /** V, where the file says. */
  readonly vocabularySize: number | undefined;
}

/**
 * Returns what makes a model a language model, by its inputs and outputs: tokens and what goes with them alone come
 * in, and scores [N, T, V] go out; undefined when it is none.
 *
 * What an output [N, T, V] means no file says: one whose V is smaller than the vocabulary of a known tokenizer, or that is
 * called a hidden state, holds no scores.
 */
export function languageTask(
  model: Model,
  data?: Pick<Dataset, 'tokens' | 'maskInput'>,
): LanguageTask | undefined {
  const inputs = languageInputs(inputTargets(model), data?.tokens?.input);
  const ids = inputs?.find(({ role }) => role === 'ids')?.target.name;
  if (inputs === undefined || ids === undefined) return undefined;
  const vocabulary = data?.tokens?.tokenizer.vocabularySize ?? 2;
  const scores = typedOutputs(model).filter((output) => isScores(output, vocabulary));
  const chosen = scores.find(({ name }) => /logit|score|prob/i.test(name)) ?? scores[0];
  if (chosen === undefined) return undefined;
  return {
    ids,
    mask: data?.maskInput ?? inputs.find(({ role }) => role === 'mask')?.target.name,
    inputs,
    output: chosen.name,
    logits: logitsOf(model, chosen.name),
    vocabularySize: lastSize(chosen),
  };
}

/** The outputs, their types inferred where the file leaves them out. */
function typedOutputs(model: Model): readonly ValueInfo[] {
  const { outputs } = model.graph;
  if (outputs.every(({ type }) => type.kind === 'tensor' && type.shape !== null)) return outputs;
  const types = inferTypes(model);
  return outputs.map((output) => ({ ...output, type: types.get(output.name) ?? output.type }));
}

function isScores({ name, type }: ValueInfo, vocabulary: number): boolean {
  if (type.kind !== 'tensor' || !dataTypeFacts(type.elementType).isFloat) return false;
  if (type.shape?.length !== 3) return false;
  const size = type.shape[2];
  // A head without rows for tokens that were added later is still a head.
  if (/logit/i.test(name)) return size === undefined || size === null || Number(size) !== 1;
  if (/hidden|embed|present|past|state/i.test(name)) return false;
  return typeof size !== 'number' || size >= vocabulary;
}

function lastSize({ type }: ValueInfo): number | undefined {
  const size = type.kind === 'tensor' ? type.shape?.[2] : undefined;
  return typeof size === 'number' ? size : undefined;
}

/** Log-probabilities would do as well; probabilities would lose what rounds to 0. */
function logitsOf(model: Model, output: string): string {
  const producerOf = (value: string): GraphNode | undefined =>
    model.graph.nodes.find((node) => node.outputs.includes(value));
  let producer = producerOf(output);
  while (producer?.opType === 'Identity') producer = producerOf(producer.inputs[0] ?? '');
  if (producer?.opType !== 'Softmax' && producer?.opType !== 'LogSoftmax') return output;
  const axis = producer.attributes.get('axis');
  const isLast = axis?.kind !== 'int' || axis.value === -1n || axis.value === 2n;
  return isLast ? (producer.inputs[0] ?? output) : output;
}
