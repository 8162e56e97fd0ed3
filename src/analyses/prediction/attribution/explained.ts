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
  const output = findOutput(model, settings.output);
  requireFloats(model, types, output);
  const producer = settings.explain === 'auto' ? producerThroughIdentity(model, output.name) : undefined;
  const before = producer?.inputs[0];
  if (producer === undefined || before === undefined || !finalActivations.has(producer.opType)) {
    return { output: output.name, value: output.name, skipped: undefined };
  }
  return { output: output.name, value: before, skipped: producer.opType };
}

function findOutput(model: Model, wanted: string | null): ValueInfo {
  const { outputs } = model.graph;
  const found = wanted === null ? outputs[0] : outputs.find(({ name }) => name === wanted);
  if (found !== undefined) return found;
  const names = outputs.map(({ name }) => name);
  throw new UserError(
    'unknown-output',
    `The model has no output "${wanted ?? ''}".${didYouMean(wanted ?? '', names)} Its outputs are ${names.join(', ')}.`,
    { detail: { output: wanted, outputs: names } },
  );
}

function requireFloats(model: Model, types: TypeTable, output: ValueInfo): void {
  const isFloat = ({ name, type }: ValueInfo): boolean => {
    const known = types.get(name) ?? type;
    return known.kind === 'tensor' && dataTypeFacts(known.elementType).isFloat;
  };
  if (isFloat(output)) return;
  const others = model.graph.outputs.filter(isFloat).map(({ name }) => name);
  throw new UserError(
    'output-not-float',
    `Output "${output.name}" holds no floating-point tensor, so it cannot be shared out. ${
      others.length === 0
        ? 'The model has no output that does.'
        : `Set output to one of: ${others.join(', ')}.`
    }`,
    { detail: { output: output.name, usable: others } },
  );
}

function producerThroughIdentity(model: Model, value: string): GraphNode | undefined {
  const producer = model.graph.nodes.find((node) => node.outputs.includes(value));
  if (producer?.opType !== 'Identity') return producer;
  return producerThroughIdentity(model, producer.inputs[0] ?? '');
}
