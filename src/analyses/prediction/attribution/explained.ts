import { UserError } from '../../../base/errors.js';
import { didYouMean } from '../../../base/nearest.js';
import { dataTypeFacts } from '../../../onnx/dataTypes.js';
import type { GraphNode, Model, ValueInfo } from '../../../onnx/model.js';
import type { TypeTable } from '../../../onnx/shapes/typeTable.js';
import type { AttributionSettings } from './settings.js';

/** The output whose prediction is explained, and the value in its place. */
export interface ExplainedOutput {
  readonly output: string;
  /** The output itself, or what enters its final Softmax, LogSoftmax or Sigmoid. */
  readonly value: string;
  /** The operator that was left out. */
  readonly skipped: string | undefined;
}

const finalActivations = new Set(['Softmax', 'LogSoftmax', 'Sigmoid']);

/**
 * Chooses the explained output and, with `explain=auto`, the value before its final Softmax, LogSoftmax or Sigmoid.
 *
 * @throws UserError for an unknown output, or one that holds no floats.
 */
export function chooseOutput(
  model: Model,
  types: TypeTable,
  settings: Pick<AttributionSettings, 'output' | 'explain'>,
): ExplainedOutput {
  const { name, value } = findOutput(model, types, settings.output);
  const producer = settings.explain === 'auto' ? producerThroughIdentity(model, value) : undefined;
  const before = producer?.inputs[0];
  if (producer === undefined || before === undefined || !finalActivations.has(producer.opType)) {
    return { output: name, value, skipped: undefined };
  }
  return { output: name, value: before, skipped: producer.opType };
}

/** An output and the tensor that stands for it. */
interface FloatOutput {
  readonly name: string;
  readonly value: string;
}

/** The named output, or by default the first that holds floats: class labels, which often come first, do not. */
function findOutput(model: Model, types: TypeTable, wanted: string | null): FloatOutput {
  const { outputs } = model.graph;
  const names = outputs.map(({ name }) => name);
  if (wanted !== null && !names.includes(wanted)) {
    throw new UserError(
      'unknown-output',
      `The model has no output "${wanted}".${didYouMean(wanted, names)} Its outputs are ${names.join(', ')}.`,
      { detail: { output: wanted, outputs: names } },
    );
  }
  const usable = outputs
    .map((output) => floatTensorOf(model, types, output))
    .filter((output) => output !== undefined);
  const found = wanted === null ? usable[0] : usable.find(({ name }) => name === wanted);
  if (found !== undefined) return found;
  const others = usable.map(({ name }) => name);
  throw new UserError(
    'output-not-float',
    `Output "${wanted ?? names.join(', ')}" holds no floating-point tensor, so it cannot be shared out. ${
      others.length === 0
        ? 'The model has no output that does.'
        : `Set output to one of: ${others.join(', ')}.`
    }`,
    { detail: { output: wanted, usable: others } },
  );
}

/** A ZipMap only puts names to the columns of a tensor: the tensor is what can be explained. */
function floatTensorOf(model: Model, types: TypeTable, output: ValueInfo): FloatOutput | undefined {
  const { name } = output;
  const producer = model.graph.nodes.find((node) => node.outputs.includes(name));
  if (producer?.opType === 'ZipMap') return { name, value: producer.inputs[0] ?? name };
  const type = types.get(name) ?? output.type;
  const isFloat = type.kind === 'tensor' && dataTypeFacts(type.elementType).isFloat;
  return isFloat ? { name, value: name } : undefined;
}

function producerThroughIdentity(model: Model, value: string): GraphNode | undefined {
  const producer = model.graph.nodes.find((node) => node.outputs.includes(value));
  if (producer?.opType !== 'Identity') return producer;
  return producerThroughIdentity(model, producer.inputs[0] ?? '');
}
