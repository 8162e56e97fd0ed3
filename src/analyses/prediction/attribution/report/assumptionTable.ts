import type { Block } from '../../../../protocol/blocks.js';
import type { Assumption, Verdict } from '../assumptions/assumption.js';

const verdicts: Readonly<Record<Verdict, string>> = {
  holds: 'holds',
  partly: 'holds for some rows',
  fails: 'does not hold',
  'not-measured': 'not measured',
};

/** Returns what the method rests on, and whether it is so on this model and these rows, as a table. */
export function assumptionTable(assumptions: readonly Assumption[]): Block {
  return {
    type: 'table',
    title: 'What the method rests on',
    columns: [
      { key: 'assumes', label: 'Assumption', kind: 'text' },
      { key: 'verdict', label: 'Here', kind: 'text' },
      { key: 'because', label: 'How it was judged', kind: 'text' },
    ],
    rows: assumptions.map(({ assumes, verdict, because }) => ({
      assumes,
      verdict: verdicts[verdict],
      because,
    })),
  };
}
