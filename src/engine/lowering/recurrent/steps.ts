import type { Graph } from '../../../onnx/model.js';
import { GraphBuilder } from '../../graph/graphBuilder.js';
import { Renamer } from '../../graph/renamer.js';
import { Emitter } from '../../gradients/emitter.js';
import type { Composite } from '../entry.js';
import type { Cell, CellWeights } from './cells.js';

/** One direction of a recurrent layer, ready to run step by step. */
export interface Sequence {
  readonly cell: Cell;
  readonly weights: CellWeights;
  /** x·Wᵀ + bias [T, B, gates·H] */
  readonly projected: string;
  /** Which steps of which row are no padding, bool [T, B, 1]; undefined where all are. */
  readonly mask: string | undefined;
  /** States before the first step, each [B, H]. */
  readonly initial: readonly string[];
  readonly isReverse: boolean;
}

/** What a direction makes. */
export interface SequenceResult {
  /** Hidden state after every step [T, B, H], 0 at padding. */
  readonly all: string;
  /** States after the last step, each [B, H]. */
  readonly last: readonly string[];
}

/** Appends the steps one after the other. */
export function unrolled(composite: Composite, sequence: Sequence, stepCount: number): SequenceResult {
  const { emit } = composite;
  const projections = elements(emit, sequence.projected, stepCount);
  const masks = sequence.mask === undefined ? [] : elements(emit, sequence.mask, stepCount);
  const order = Array.from({ length: stepCount }, (_, i) => (sequence.isReverse ? stepCount - 1 - i : i));
  const all: string[] = [];
  let states = sequence.initial;
  for (const at of order) {
    const step = oneStep(composite, emit, {
      sequence,
      states,
      projected: projections[at] ?? '',
      mask: masks[at],
    });
    states = step.states;
    all[at] = emit.unsqueeze(step.shown, [0]);
  }
  return { all: emit.concat(all, 0), last: states };
}

/** [T, …] → T values […] */
function elements(emit: Emitter, value: string, count: number): readonly string[] {
  return emit.split(value, 0, count).map((part) => emit.squeeze(part, [0]));
}

interface Step {
  readonly sequence: Sequence;
  readonly states: readonly string[];
  readonly projected: string;
  readonly mask: string | undefined;
}

function oneStep(
  { node }: Composite,
  emit: Emitter,
  { sequence, states, projected, mask }: Step,
): { readonly states: readonly string[]; readonly shown: string } {
  const next = sequence.cell.step(emit, node, { ...sequence.weights, projected, states });
  const [hidden = ''] = next;
  if (mask === undefined) return { states: next, shown: hidden };
  // Padding changes no state and shows 0.
  return {
    states: next.map((state, i) => emit.where(mask, state, states[i] ?? '')),
    shown: emit.keepWhere(mask, hidden),
  };
}

/** Appends a Scan over the steps. */
export function scanned(composite: Composite, sequence: Sequence): SequenceResult {
  const { emit } = composite;
  const { initial, projected, mask, isReverse } = sequence;
  const direction = isReverse ? 1 : 0;
  const stacks = [projected, ...(mask === undefined ? [] : [mask])];
  const all = emit.builder.freshName('ni/states');
  const last = initial.map((_, i) => emit.builder.freshName(`ni/state${String(i)}`));
  emit.builder.node('Scan', [...initial, ...stacks], {
    outputs: [...last, all],
    attributes: {
      body: { kind: 'graph', value: stepBody(composite, sequence) },
      num_scan_inputs: stacks.length,
      scan_input_directions: stacks.map(() => direction),
      scan_output_directions: [direction],
    },
  });
  return { all, last };
}

function stepBody(composite: Composite, sequence: Sequence): Graph {
  const outer = composite.emit;
  const { elementType } = outer;
  const builder = new GraphBuilder(outer.builder.modelOf(emptyBody));
  // Names that the step reads from around must not be given to values inside.
  const { recurrent, recurrentBias = '', peepholes } = sequence.weights;
  for (const name of [recurrent, recurrentBias, ...peepholes]) builder.freshName(name);
  const emit = new Emitter(builder, elementType);
  const real = { kind: 'tensor', elementType, shape: [null, null] } as const;
  const states = sequence.initial.map((_, i) => builder.addInput(`ni/h${String(i)}`, real));
  const projected = builder.addInput('ni/projected', real);
  const hasMask = sequence.mask !== undefined;
  const mask = hasMask ? builder.addInput('ni/mask', { ...real, elementType: 'bool' }) : undefined;
  const step = oneStep(composite, emit, { sequence, states, projected, mask });
  for (const state of step.states) builder.addOutput(state, real);
  // The hidden state is one of them already where nothing is padded.
  builder.addOutput(hasMask ? step.shown : builder.node('Identity', [step.shown]), real);
  const renamer = new Renamer({
    freshName: (hint) => outer.builder.freshName(hint),
    keeps: () => false,
  });
  return renamer.graph(builder.build().graph);
}

const emptyBody: Graph = {
  name: 'step',
  inputs: [],
  outputs: [],
  nodes: [],
  initializers: new Map(),
  sparseInitializers: [],
  valueInfo: new Map(),
  metadata: new Map(),
};
