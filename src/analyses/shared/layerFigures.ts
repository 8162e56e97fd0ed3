import { judgeUnits, type UnitState, unitStates } from './states.js';
import type { Sweep, SweptLayer } from './sweep.js';
import type { SweepTarget } from './targetTap.js';

/** What a report says about one activation output. */
export interface LayerFigures {
  readonly swept: SweptLayer;
  /** Name that people know it by: the layer whose units these are, else the activation's own. */
  readonly name: string;
  readonly unitCount: number;
  /** Code of each unit's state. */
  readonly states: Uint8Array;
  readonly stateCounts: Readonly<Record<UnitState, number>>;
  /** Units that have a state. */
  readonly judgedCount: number;
  /** Share of elements > 0, and of elements other than 0, over all units. */
  readonly activeFraction: number;
  readonly nonZeroFraction: number;
}

/** The figures of a whole run: the contract's metrics. */
export interface HealthFigures {
  readonly layers: readonly LayerFigures[];
  readonly sampleCount: number;
  readonly neuronCount: number;
  readonly deadCount: number;
  /** NaN when no neuron has a state. */
  readonly deadShare: number;
  /** 1 − active fraction, unweighted over the layers that have states; NaN when there are none. */
  readonly meanSparsity: number;
}

/** Returns the figures of a sweep; `names` gives the layer that a target judges. */
export function figuresOf(
  sweep: Sweep,
  names: ReadonlyMap<SweepTarget, string>,
  epsilon: number,
): HealthFigures {
  const layers = sweep.layers.map((swept) =>
    layerFigures(swept, names.get(swept.target) ?? swept.target.layer, epsilon),
  );
  const judged = layers.filter((layer) => layer.swept.target.rule.kind !== 'unjudged');
  const neuronCount = sum(judged.map((layer) => layer.judgedCount));
  const deadCount = sum(judged.map((layer) => layer.stateCounts.dead));
  return {
    layers,
    sampleCount: sweep.sampleCount,
    neuronCount,
    deadCount,
    deadShare: deadCount / neuronCount,
    meanSparsity: sum(judged.map((layer) => 1 - layer.activeFraction)) / judged.length,
  };
}

function layerFigures(swept: SweptLayer, name: string, epsilon: number): LayerFigures {
  const { statistics, target } = swept;
  const states = judgeUnits(statistics, target.rule, { epsilon });
  const stateCounts = countStates(states);
  const elementCount = statistics.elementCount * target.unitCount;
  return {
    swept,
    name,
    unitCount: target.unitCount,
    states,
    stateCounts,
    judgedCount: target.unitCount - stateCounts['not-judged'],
    activeFraction: sum([...statistics.positiveCount]) / elementCount,
    nonZeroFraction: sum([...statistics.nonZeroCount]) / elementCount,
  };
}

function countStates(states: Uint8Array): Record<UnitState, number> {
  const counts: Record<UnitState, number> = {
    active: 0,
    dead: 0,
    rare: 0,
    'always-on': 0,
    constant: 0,
    saturated: 0,
    'always-negative': 0,
    'not-finite': 0,
    'not-judged': 0,
  };
  for (const code of states) counts[unitStates[code] ?? 'not-judged']++;
  return counts;
}

/** Returns the state of a unit. */
export function stateOf(layer: LayerFigures, unit: number): UnitState {
  return unitStates[layer.states[unit] ?? -1] ?? 'not-judged';
}

/**
 * Tells whether a state is no news for the layer. GELU-like neurons are "active" wherever their output is not tiny, below
 * 0 as well: always on is what they should be, and no sign of a straight line.
 */
export function isExpected({ swept }: LayerFigures, state: UnitState): boolean {
  return state === 'always-on' && swept.target.rule.kind === 'smooth-rectifier';
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
