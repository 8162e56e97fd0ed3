import { intAttribute, stringAttribute } from '../../../onnx/model.js';
import { gradientNeeds } from '../../gradients/gradientErrors.js';
import { shapeIfKnown } from '../../gradients/staticShapes.js';
import { type Composite, lowering } from '../entry.js';
import type { Lowering } from '../lowering.js';
import { type Activation, activationsOf } from './activations.js';
import { type Cell, cells, type CellWeights, split } from './cells.js';
import { scanned, type Sequence, type SequenceResult, unrolled } from './steps.js';

/** Longer sequences become a Scan: the graph would grow with every step. */
const unrolledSteps = 8;

/** RNN, GRU and LSTM: every direction, activation, initial state, sequence length, peephole and layout. */
export const recurrentLowerings: readonly Lowering[] = cells.map((cell) =>
  lowering({ opType: cell.opType, domain: '', first: 7 }, (composite) => lowerRecurrent(composite, cell), {
    replaces: true,
  }),
);

function lowerRecurrent(composite: Composite, cell: Cell): readonly string[] {
  const { node, emit } = composite;
  const isBatchFirst = intAttribute(node, 'layout', 0) === 1;
  const layer = layerOf(composite, cell, isBatchFirst);
  const results = layer.directions.map((_, i) => runDirection(composite, layer, i));
  const stacked = (values: readonly string[], axis: number): string =>
    emit.concat(
      values.map((value) => emit.unsqueeze(value, [axis])),
      axis,
    );
  // [T, D, B, H] and [D, B, H], or [B, T, D, H] and [B, D, H]
  const all = stacked(
    results.map((result) => result.all),
    1,
  );
  const last = Array.from({ length: cell.stateCount }, (_, i) =>
    stacked(
      results.map((result) => result.last[i] ?? ''),
      0,
    ),
  );
  if (!isBatchFirst) return [all, ...last];
  return [emit.transpose(all, [2, 0, 1, 3]), ...last.map((state) => emit.transpose(state, [1, 0, 2]))];
}

interface Direction {
  readonly isReverse: boolean;
  readonly activations: readonly Activation[];
}

interface Layer {
  readonly cell: Cell;
  /** [T, B, I] */
  readonly x: string;
  /** Name of the operand that x is, whose sizes are known. */
  readonly stepCount: number | undefined;
  readonly hiddenSize: number;
  readonly directions: readonly Direction[];
  readonly mask: string | undefined;
  readonly isBatchFirst: boolean;
}

function layerOf(composite: Composite, cell: Cell, isBatchFirst: boolean): Layer {
  const { context, node, emit, input } = composite;
  const [given = ''] = node.inputs;
  const x = isBatchFirst ? emit.transpose(given, [1, 0, 2]) : given;
  const direction = stringAttribute(node, 'direction', 'forward').toLowerCase();
  const reverse = direction === 'bidirectional' ? [false, true] : [direction === 'reverse'];
  const activations = activationsOf(node, cell.activations, reverse.length);
  const size = shapeIfKnown(context, node.inputs[2] ?? '')?.[2];
  const hiddenSize = typeof size === 'number' ? size : intAttribute(node, 'hidden_size', 0);
  if (hiddenSize === 0) throw gradientNeeds(node, 'the hidden size');
  const steps = shapeIfKnown(context, given)?.[isBatchFirst ? 1 : 0];
  const lengths = input(4);
  return {
    cell,
    x,
    stepCount: typeof steps === 'number' ? steps : undefined,
    hiddenSize,
    directions: reverse.map((isReverse, i) => ({ isReverse, activations: activations[i] ?? [] })),
    mask: lengths === undefined ? undefined : paddingMask(composite, x, lengths),
    isBatchFirst,
  };
}

/** t < length, bool [T, B, 1] */
function paddingMask({ emit }: Composite, x: string, lengths: string): string {
  const count = emit.squeeze(emit.shape(x, 0, 1), [0]);
  const steps = emit.node('Range', [emit.intScalar(0), count, emit.intScalar(1)]);
  const isBefore = emit.less(emit.unsqueeze(steps, [1]), emit.castTo(lengths, 'int64'));
  return emit.unsqueeze(isBefore, [2]);
}

function runDirection(composite: Composite, layer: Layer, index: number): SequenceResult {
  const { cell, stepCount, mask } = layer;
  const { projected, weights } = project(composite, layer, index);
  const initial = Array.from({ length: cell.stateCount }, (_, i) =>
    initialState(composite, layer, { index, operand: 5 + i }),
  );
  const { isReverse } = layer.directions[index] ?? { isReverse: false };
  const sequence: Sequence = { cell, weights, projected, mask, initial, isReverse };
  const isShort = stepCount !== undefined && stepCount <= unrolledSteps;
  return isShort ? unrolled(composite, sequence, stepCount) : scanned(composite, sequence);
}

/** What the input adds to the gates of all steps at once. */
function project(
  composite: Composite,
  layer: Layer,
  index: number,
): { readonly projected: string; readonly weights: CellWeights } {
  const { emit, input } = composite;
  const { cell, hiddenSize } = layer;
  const part = (operand: number): string | undefined => {
    const value = input(operand);
    return value === undefined ? undefined : emit.node('Gather', [value, emit.intScalar(index)], { axis: 0 });
  };
  const turned = (value: string): string => emit.transpose(value, [1, 0]);
  const product = emit.node('MatMul', [layer.x, turned(part(1) ?? '')]);
  const bias = part(3);
  const biases = bias === undefined ? undefined : splitBias(composite, layer, bias);
  const peepholes = cell.opType === 'LSTM' ? part(7) : undefined;
  return {
    projected: biases === undefined ? product : emit.add(product, biases.early),
    weights: {
      recurrent: turned(part(2) ?? ''),
      recurrentBias: biases?.late,
      peepholes: peepholes === undefined ? [] : split(emit, peepholes, [hiddenSize, hiddenSize, hiddenSize]),
      hiddenSize,
      activations: layer.directions[index]?.activations ?? [],
    },
  };
}

/** Biases are [of x, gate by gate; of h, gate by gate]. */
function splitBias(
  { emit, node }: Composite,
  { cell, hiddenSize }: Layer,
  bias: string,
): { readonly early: string; readonly late: string | undefined } {
  const gates = Array.from({ length: cell.gateCount }, (_, gate) => gate);
  const parts = split(
    emit,
    bias,
    [...gates, ...gates].map(() => hiddenSize),
  );
  const early = gates.map((gate) => {
    const ofInput = parts[gate] ?? '';
    return cell.isBiasEarly(node, gate) ? emit.add(ofInput, parts[cell.gateCount + gate] ?? '') : ofInput;
  });
  const late = gates
    .filter((gate) => !cell.isBiasEarly(node, gate))
    .map((gate) => parts[cell.gateCount + gate] ?? '');
  return { early: emit.concat(early, 0), late: late.length === 0 ? undefined : emit.concat(late, 0) };
}

/** [B, H] of a direction; zeros where the operand is omitted. */
function initialState(
  { emit, input }: Composite,
  { x, hiddenSize, isBatchFirst }: Layer,
  { index, operand }: { readonly index: number; readonly operand: number },
): string {
  const given = input(operand);
  if (given === undefined) return emit.zeros(emit.concat([emit.shape(x, 1, 2), emit.ints([hiddenSize])], 0));
  return emit.node('Gather', [given, emit.intScalar(index)], { axis: isBatchFirst ? 1 : 0 });
}
