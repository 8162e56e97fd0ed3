import { rectifiedPass } from '../../../../engine/relevance/rectifiedPass.js';
import { rowPoints } from '../points.js';
import type { Judge } from './assumption.js';
import { percent } from './sums.js';

/** Activations that are no rectifiers, and still made of straight pieces. */
const straight = new Set(['LeakyRelu', 'PRelu', 'HardSigmoid']);

/** Slopes that differ between positions by no more than this share of their size count as one. */
const tolerableSpread = 0.1;

/** Judges whether the method has a rule for every operator on the way. */
export function everyOperatorHasRule(assumes: string, otherwise = 'operator without one'): Judge {
  return ({ outcome }) => {
    const without = outcome.withoutRule ?? [];
    const isWhole = without.length === 0;
    return {
      assumes,
      verdict: isWhole ? 'holds' : 'fails',
      because: isWhole
        ? `No ${otherwise} is on the way.`
        : `${without.join(', ')} ${without.length === 1 ? 'is' : 'are'} on the way, and got the plain gradient.`,
    };
  };
}

/** Judges whether a channel pushes the explained value the same way at all positions. */
export const channelsMeanOneThing: Judge = ({ outcome }) => {
  const assumes = 'A channel means the same at all positions.';
  const { positionSpread } = outcome;
  if (positionSpread === undefined || Number.isNaN(positionSpread)) {
    return { assumes, verdict: 'not-measured', because: 'The explained value does not react to the maps.' };
  }
  return {
    assumes,
    verdict: positionSpread <= tolerableSpread ? 'holds' : 'fails',
    because: `${percent(positionSpread)} of the squared slopes is their difference from the mean of their channel, which is all that the map uses.`,
  };
};

/** Judges whether the explained value is piecewise linear in the layer's maps: no smooth activation is behind them. */
export const isPiecewiseLinear: Judge = async ({ problem }) => {
  const { inputs, layer, rows } = problem;
  const sites = layer === undefined ? inputs : [layer];
  const field = problem.open({ coordinates: inputs, sites, backward: rectifiedPass('guided') });
  problem.expect(1);
  // One row is enough: what is on the way is a fact of the graph.
  await field.gradients({ ...rowPoints(inputs, rows.count), count: 1 }, () => undefined);
  const smooth = field.operatorsWithoutRule().filter((name) => !straight.has(name));
  return {
    assumes: 'The explained value is piecewise linear in the layer’s maps.',
    verdict: smooth.length === 0 ? 'holds' : 'fails',
    because:
      smooth.length === 0
        ? 'No smooth activation is behind the layer.'
        : `${smooth.join(', ')} ${smooth.length === 1 ? 'is' : 'are'} behind the layer.`,
  };
};

/** Judges whether the layer's maps are those of an activation that is never negative. */
export const mapsAreNotNegative: Judge = ({ problem }) => {
  const elements = problem.layer?.elements ?? new Float32Array();
  const negative = elements.reduce((count, value) => count + Number(value < 0), 0);
  return {
    assumes: 'The layer’s maps are never negative.',
    verdict: negative === 0 ? 'holds' : 'fails',
    because: `${percent(negative / Math.max(1, elements.length))} of its values are.`,
  };
};

/** Returns a judge of what no number here can tell. */
export function notMeasured(assumes: string, because: string): Judge {
  return () => ({ assumes, verdict: 'not-measured', because });
}
