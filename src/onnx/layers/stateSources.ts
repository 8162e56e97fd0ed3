import type { StateSource } from '../../protocol/structure.js';
import { type Candidate, isBiasOf } from './candidates.js';
import { fusedActivationOf } from './activationOperators.js';
import type { GraphView } from './graphView.js';
import type { LayerName } from './layerNames.js';

/** Operators between a layer and the activation that judges it, each the sole consumer and keeping the unit axis. */
const passing = new Set([
  'BatchNormalization',
  'Identity',
  'Dropout',
  'Cast',
  'QuantizeLinear',
  'DequantizeLinear',
]);

/** Returns where the states of a layer's units are taken from. */
export function stateSourceOf(
  candidate: Candidate,
  names: ReadonlyMap<Candidate, LayerName>,
  activations: Activations,
): StateSource {
  const nameOf = (layer: Candidate): string => names.get(layer)?.name ?? '';
  if (candidate.kind === 'activation') return { kind: 'activation', layer: nameOf(candidate) };
  const { view } = candidate;
  const byInput = activations.byInput.get(view);
  const notJudged = (reason: string): StateSource => {
    const next = activations.next.get(view)?.get(candidate.output);
    return { kind: 'not-judged', reason, next: next === undefined ? null : nameOf(next) };
  };
  if (candidate.kind === 'gate') return notJudged('a gate');
  const fused = candidate.nodes.map(fusedActivationOf).find((found) => found !== undefined);
  if (fused !== undefined) return notJudged(`its ${fused} is fused into it`);
  let value = candidate.output;
  for (;;) {
    const activation = byInput?.get(value);
    const consumers = view.index.consumersOf(value);
    if (view.outputs.has(value)) return notJudged('an output of the model');
    if (consumers.length === 0) {
      return notJudged(hasReadState(candidate) ? 'its last state alone is read' : 'nothing reads it');
    }
    const isActivated =
      activation !== undefined && consumers.every((reader) => activation.nodes.includes(reader));
    if (isActivated && activation.kind === 'gate') return notJudged('feeds a gate');
    if (isActivated) return { kind: 'activation', layer: nameOf(activation) };
    const [consumer] = consumers;
    if (consumers.length > 1 || consumer === undefined) return notJudged('read by several consumers');
    if (!passing.has(consumer.opType) && !isBiasOf(view, consumer, candidate)) {
      return notJudged(`feeds ${article(consumer.opType)} ${consumer.opType}`);
    }
    value = consumer.outputs[0] ?? '';
  }
}

/** A recurrent layer hands its last states on as values of their own. */
function hasReadState({ kind, nodes, view }: Candidate): boolean {
  const further = kind === 'recurrent' ? nodes.flatMap(({ outputs }) => outputs.slice(1)) : [];
  return further.some((value) => view.outputs.has(value) || view.index.consumersOf(value).length > 0);
}

function article(word: string): string {
  return /^[AEIOU]|^[FHLMNRSX][A-Z]/.test(word) ? 'an' : 'a';
}

/** What tells the states of layers: activations by the value that enters them, and the next one behind each value. */
export interface Activations {
  readonly byInput: ReadonlyMap<GraphView, ReadonlyMap<string, Candidate>>;
  readonly next: ReadonlyMap<GraphView, ReadonlyMap<string, Candidate>>;
}

/** Returns where the activations and gates of a model are, seen from each value; cost is linear. */
export function findActivations(views: readonly GraphView[], candidates: readonly Candidate[]): Activations {
  const byInput = new Map(views.map((view) => [view, new Map<string, Candidate>()]));
  for (const candidate of candidates) {
    const isOne = candidate.kind === 'activation' || candidate.kind === 'gate';
    if (isOne) byInput.get(candidate.view)?.set(candidate.input, candidate);
  }
  const next = new Map([...byInput].map(([view, entered]) => [view, nextActivations(view, entered)]));
  return { byInput, next };
}

/** Returns the activation that comes first in file order when each value is followed downstream. */
function nextActivations(
  view: GraphView,
  byInput: ReadonlyMap<string, Candidate>,
): ReadonlyMap<string, Candidate> {
  const next = new Map<string, Candidate>();
  const nextOf = (value: string): Candidate | undefined => {
    const entered = byInput.get(value);
    if (entered?.kind === 'activation') return entered;
    let first: Candidate | undefined;
    for (const output of view.index.consumersOf(value).flatMap((reader) => reader.outputs)) {
      const found = next.get(output);
      if (found !== undefined && (first === undefined || found.index < first.index)) first = found;
    }
    return first;
  };
  // Readers stand behind what they read, so that from the end on theirs are known.
  for (const node of view.graph.nodes.toReversed()) {
    for (const output of node.outputs) {
      const found = nextOf(output);
      if (found !== undefined) next.set(output, found);
    }
  }
  return next;
}
