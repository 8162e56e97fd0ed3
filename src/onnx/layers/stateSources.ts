import type { Candidate } from './candidates.js';
import { fusedActivationOf } from './activationOperators.js';
import type { GraphView } from './graphView.js';
import type { StateSource } from './layer.js';
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
  byInput: ReadonlyMap<string, Candidate>,
): StateSource {
  const nameOf = (layer: Candidate): string => names.get(layer)?.name ?? '';
  if (candidate.kind === 'activation') return { kind: 'activation', layer: nameOf(candidate) };
  const { view } = candidate;
  const notJudged = (reason: string): StateSource => {
    const next = nextActivation(view, candidate.output, byInput);
    return { kind: 'not-judged', reason, next: next === undefined ? null : nameOf(next) };
  };
  if (candidate.kind === 'gate') return notJudged('a gate');
  const fused = candidate.nodes.map(fusedActivationOf).find((found) => found !== undefined);
  if (fused !== undefined) return notJudged(`its ${fused} is fused into it`);
  let value = candidate.output;
  for (;;) {
    const activation = byInput.get(value);
    const consumers = view.index.consumersOf(value);
    if (view.outputs.has(value)) return notJudged('an output of the model');
    if (consumers.length === 0) return notJudged('nothing reads it');
    const isActivated =
      activation !== undefined && consumers.every((reader) => activation.nodes.includes(reader));
    if (isActivated && activation.kind === 'gate') return notJudged('feeds a gate');
    if (isActivated) return { kind: 'activation', layer: nameOf(activation) };
    const [consumer] = consumers;
    if (consumers.length > 1 || consumer === undefined) return notJudged('read by several consumers');
    if (!passing.has(consumer.opType)) {
      return notJudged(`feeds ${article(consumer.opType)} ${consumer.opType}`);
    }
    value = consumer.outputs[0] ?? '';
  }
}

function article(word: string): string {
  return /^[AEIOU]|^[FHLMNRSX][A-Z]/.test(word) ? 'an' : 'a';
}

/** Returns the activation that comes first when a value is followed breadth-first. */
function nextActivation(
  view: GraphView,
  start: string,
  byInput: ReadonlyMap<string, Candidate>,
): Candidate | undefined {
  const queue = [start];
  const seen = new Set(queue);
  for (const value of queue) {
    const activation = byInput.get(value);
    if (activation?.kind === 'activation' && activation.view === view) return activation;
    for (const output of view.index.consumersOf(value).flatMap((reader) => reader.outputs)) {
      if (output === '' || seen.has(output)) continue;
      seen.add(output);
      queue.push(output);
    }
  }
  return undefined;
}

/** Returns activations and gates by the value that enters them. */
export function activationsByInput(candidates: readonly Candidate[]): ReadonlyMap<string, Candidate> {
  const isOne = (candidate: Candidate): boolean =>
    candidate.kind === 'activation' || candidate.kind === 'gate';
  return new Map(candidates.filter(isOne).map((candidate) => [candidate.input, candidate]));
}
