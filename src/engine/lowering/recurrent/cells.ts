import { floatAttribute, type GraphNode, intAttribute } from '../../../onnx/model.js';
import type { Emitter } from '../../gradients/emitter.js';
import type { Activation } from './activations.js';

/** One direction's weights, as a step reads them. */
export interface CellWeights {
  /** Rᵀ [H, gates·H] */
  readonly recurrent: string;
  /** Biases of the recurrent products [gates·H]; undefined where they are 0. */
  readonly recurrentBias: string | undefined;
  /** Peepholes of the gates i, o, f, each [H]; none in most models. */
  readonly peepholes: readonly string[];
  readonly hiddenSize: number;
  readonly activations: readonly Activation[];
}

/** What a step starts from: x·Wᵀ + its bias [B, gates·H] and the states [B, H]. */
export interface StepInput {
  readonly projected: string;
  readonly states: readonly string[];
}

/** One kind of recurrent cell. */
export interface Cell {
  readonly opType: string;
  readonly gateCount: number;
  /** How many states go from step to step; the first is the hidden one. */
  readonly stateCount: number;
  readonly activations: readonly string[];
  /** Whether the recurrent bias of a gate is added with the input's, before the steps. */
  readonly isBiasEarly: (node: GraphNode, gate: number) => boolean;
  /** Appends one step and returns the new states. */
  step(emit: Emitter, node: GraphNode, weights: CellWeights & StepInput): readonly string[];
}

/** h′ = f(x·Wᵀ + h·Rᵀ + b) */
const plainCell: Cell = {
  opType: 'RNN',
  gateCount: 1,
  stateCount: 1,
  activations: ['Tanh'],
  isBiasEarly: () => true,
  step(emit, node, { projected, states: [h = ''], recurrent, activations: [f] }) {
    const sum = emit.add(projected, emit.node('MatMul', [h, recurrent]));
    return [activate(emit, node, f, sum)];
  },
};

/** z, r = f(…); h̃ = g(x·Wᵀ + (r⊙h)·Rᵀ) or g(x·Wᵀ + r⊙(h·Rᵀ + b)); h′ = (1 − z)⊙h̃ + z⊙h */
const gatedCell: Cell = {
  opType: 'GRU',
  gateCount: 3,
  stateCount: 1,
  activations: ['Sigmoid', 'Tanh'],
  isBiasEarly: (node, gate) => gate < 2 || !resetsAfter(node),
  step(emit, node, { projected, states: [h = ''], recurrent, recurrentBias, hiddenSize, activations }) {
    const [f, g] = activations;
    const [toGates = '', toCandidate = ''] = split(emit, recurrent, [2 * hiddenSize, hiddenSize]);
    const [x = '', xCandidate = ''] = split(emit, projected, [2 * hiddenSize, hiddenSize]);
    const gates = activate(emit, node, f, emit.add(x, emit.node('MatMul', [h, toGates])));
    const [z = '', r = ''] = split(emit, gates, [hiddenSize, hiddenSize]);
    const candidate = (): string => {
      if (!resetsAfter(node)) return emit.node('MatMul', [emit.mul(r, h), toCandidate]);
      const product = emit.node('MatMul', [h, toCandidate]);
      return emit.mul(r, recurrentBias === undefined ? product : emit.add(product, recurrentBias));
    };
    const fresh = activate(emit, node, g, emit.add(xCandidate, candidate()));
    // (1 − z)⊙h̃ + z⊙h = h̃ + z⊙(h − h̃)
    return [emit.add(fresh, emit.mul(z, emit.sub(h, fresh)))];
  },
};

/** i, o, f = f(… + p⊙c); c̃ = g(…); c′ = f⊙c + i⊙c̃; h′ = o⊙h(c′) */
const memoryCell: Cell = {
  opType: 'LSTM',
  gateCount: 4,
  stateCount: 2,
  activations: ['Sigmoid', 'Tanh', 'Tanh'],
  isBiasEarly: () => true,
  step(emit, node, weights) {
    const { projected, recurrent, hiddenSize, peepholes, states, activations } = weights;
    const [h = '', c = ''] = states;
    const [f, g, out] = activations;
    const sums = emit.add(projected, emit.node('MatMul', [h, recurrent]));
    const sizes = [hiddenSize, hiddenSize, hiddenSize, hiddenSize];
    const [toInput = '', toOutput = '', toForget = '', toCandidate = ''] = split(emit, sums, sizes);
    const gate = (sum: string, cell: string, peephole: string | undefined): string => {
      const seen = peephole === undefined ? sum : emit.add(sum, emit.mul(peephole, cell));
      return activate(emit, node, f, seen);
    };
    const [seenByInput, seenByOutput, seenByForget] = peepholes;
    const input = gate(toInput, c, seenByInput);
    const isCoupled = intAttribute(node, 'input_forget', 0) === 1;
    const forget = isCoupled ? emit.sub(emit.scalar(1), input) : gate(toForget, c, seenByForget);
    const candidate = activate(emit, node, g, toCandidate);
    const cell = emit.add(emit.mul(forget, c), emit.mul(input, candidate));
    const output = gate(toOutput, cell, seenByOutput);
    return [emit.mul(output, out === undefined ? cell : out(emit, cell)), cell];
  },
};

/** The recurrent operators of ONNX. */
export const cells: readonly Cell[] = [plainCell, gatedCell, memoryCell];

function resetsAfter(node: GraphNode): boolean {
  return intAttribute(node, 'linear_before_reset', 0) !== 0;
}

/** Activations see their input cut to ±clip where the node has a clip. */
function activate(emit: Emitter, node: GraphNode, activation: Activation | undefined, x: string): string {
  const clip = floatAttribute(node, 'clip', 0);
  const cut = clip > 0 ? emit.node('Clip', [x, emit.scalar(-clip), emit.scalar(clip)]) : x;
  return activation === undefined ? cut : activation(emit, cut);
}

/** Cuts the last axis into parts. */
export function split(emit: Emitter, value: string, sizes: readonly number[]): readonly string[] {
  const outputs = sizes.map(() => emit.builder.freshName('ni/Split'));
  emit.builder.node('Split', [value, emit.ints(sizes)], { attributes: { axis: -1 }, outputs });
  return outputs;
}
