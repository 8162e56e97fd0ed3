import type { ShownRow } from './measure.js';

/**
 * Returns what the positions of a row are called, each otherwise than the others: its place with the token's text, else with
 * the whole number that an input holds for it, `3 #17`, else alone.
 *
 * Where several inputs fit, the first does.
 */
export function positionLabels(row: ShownRow | undefined, count: number): string[] {
  const names = namesOf(row, count);
  return Array.from({ length: count }, (_, position) => {
    const name = names?.[position];
    return name === undefined ? String(position) : `${String(position)} ${name}`;
  });
}

/** Returns the tokens of a row as they are read one after the other: their text, else what they are called. */
export function tokenTexts(row: ShownRow | undefined, count: number): string[] {
  if (row?.texts?.length === count) return [...row.texts];
  return positionLabels(row, count).map((label) => `${label} `);
}

function namesOf(row: ShownRow | undefined, count: number): readonly string[] | undefined {
  // Spaces show on an axis only when they are written.
  if (row?.texts?.length === count) return row.texts.map((text) => text.replaceAll(' ', '␣'));
  const ids = [...(row?.ids.values() ?? [])].find((numbers) => numbers.length === count);
  return ids?.map((id) => `#${String(id)}`);
}
