import type { LayerFacts } from './unitIndex.js';

/** States worth a look, worst first. */
export const notableStates = ['not-finite', 'dead', 'constant', 'always-negative', 'saturated', 'rare'];

/** Returns how many units of a layer are in which state, the worst first: `98 dead, 3 rare, 155 active`. */
export function stateCountsText({ stateCounts }: Pick<LayerFacts, 'stateCounts'>): string {
  // States that are not known here come from a newer version, and before what is as it should be.
  const usual = ['always-on', 'active', 'not-judged'];
  const other = Object.keys(stateCounts).filter((state) => ![...notableStates, ...usual].includes(state));
  return [...notableStates, ...other, ...usual]
    .flatMap((state) => {
      const count = stateCounts[state] ?? 0;
      return count === 0 ? [] : [`${count.toLocaleString('en-US')} ${state}`];
    })
    .join(', ');
}
