/** How a neuron's state looks beside its name: never by colour alone. */
export interface StateLook {
  readonly level: 'error' | 'warning' | 'plain' | 'muted';
  readonly glyph: string;
}

const looks: Readonly<Record<string, StateLook>> = {
  dead: { level: 'error', glyph: '✕' },
  'not-finite': { level: 'error', glyph: '✕' },
  constant: { level: 'warning', glyph: '▲' },
  saturated: { level: 'warning', glyph: '▲' },
  'always-negative': { level: 'warning', glyph: '▲' },
  'always-on': { level: 'warning', glyph: '▲' },
  rare: { level: 'warning', glyph: '▲' },
  active: { level: 'plain', glyph: '●' },
};

/** Returns the look of a state; states of later versions look plain. */
export function stateLook(state: string): StateLook {
  return Object.hasOwn(looks, state)
    ? (looks[state] ?? { level: 'muted', glyph: '○' })
    : { level: 'muted', glyph: '○' };
}
