import { maxAbs } from '../../../engine/numeric/vectors.js';
import { elementCountOf, toFloat64 } from '../../../onnx/tensorValue.js';
import type { Block, TableCell } from '../../../protocol/blocks.js';
import { toReportNumber } from '../../../protocol/reportNumbers.js';
import { overlayOf } from '../attribution/report/maps.js';
import { rowName } from '../attribution/rows.js';
import { positionsOf } from '../features/partition.js';
import type { BenchmarkResult } from './benchmark.js';
import { titleOf } from './words.js';

/** Columns of a table that are compared side by side, at most. */
const maxColumnCount = 64;

/** Returns the scores of the first row by every method: as heat maps, as coloured tokens, or as a table. */
export function sideBySide(result: BenchmarkResult): Block[] {
  const { prepared, entrants } = result;
  const { inputs, rows } = prepared.problem;
  const [input] = inputs;
  if (input === undefined) return [];
  const maps = entrants.map(({ maps: { shown } }) => scaledToOne(shown.subarray(0, result.space.count)));
  const title = `Scores of ${rowName(rows.ids[0] ?? '0')} by every method`;
  const positions = positionsOf(input);
  const tokenIds = prepared.facts.tokenIds.get(input.name);
  if (inputs.length === 1 && positions.length === 2) {
    return [imageMaps(result, maps, { title, positions })];
  }
  if (inputs.length === 1 && tokenIds !== undefined) {
    const ids = toFloat64(tokenIds);
    const { tokens } = prepared.facts;
    const textOf = tokens?.input === input.name ? tokens.textOf : undefined;
    return maps.map((map, i) => ({
      type: 'tokens',
      title: titleOf(result, i),
      alt: `Tokens of the first row${textOf === undefined ? ' by id' : ''}, each with its score by ${titleOf(result, i)}.`,
      tokens: Array.from(map, (value, token) => ({
        text: textOf?.(ids[token] ?? 0) ?? `#${String(ids[token] ?? '?')} `,
        value: toReportNumber(value),
      })),
      scale: 'diverging',
      limit: 1,
    }));
  }
  return [scoreTable(result, maps, title)];
}

function imageMaps(
  result: BenchmarkResult,
  maps: readonly Float64Array[],
  { title, positions }: { readonly title: string; readonly positions: readonly number[] },
): Block {
  const [input] = result.prepared.problem.inputs;
  const size = elementCountOf(positions);
  const data = new Float64Array(maps.length * size);
  for (const [i, map] of maps.entries()) data.set(map, i * size);
  // The same picture under every map: overlays take one row each.
  const elements = new Float32Array(maps.length * (input === undefined ? 0 : elementCountOf(input.dims)));
  const own = input?.elements.subarray(0, elements.length / maps.length) ?? new Float32Array();
  for (let i = 0; i < maps.length; i++) elements.set(own, i * own.length);
  const overlay = overlayOf({ name: title, dims: [maps.length, ...positions], data }, undefined, {
    base: input === undefined ? undefined : { ...input, elements },
    captions: maps.map((_, i) => titleOf(result, i)),
    title,
  });
  const alt =
    'Heat maps of one sample by every method, each scaled to its own largest score; where all are above zero, the smallest is the middle of the scale.';
  return overlay === undefined ? scoreTable(result, maps, title) : { ...overlay, alt };
}

function scoreTable(result: BenchmarkResult, maps: readonly Float64Array[], title: string): Block {
  const { inputs, columnNames } = result.prepared.problem;
  const names = inputs.flatMap((input) => {
    const count = elementCountOf(positionsOf(input));
    const own = columnNames[input.name];
    return Array.from({ length: count }, (_, i) =>
      own?.length === count ? (own[i] ?? '') : `${input.name}[${String(i)}]`,
    );
  });
  const rows = names.slice(0, maxColumnCount).map((name, position): Record<string, TableCell> => ({
    name,
    ...Object.fromEntries(maps.map((map, i) => [`m${String(i)}`, toReportNumber(map[position] ?? NaN)])),
  }));
  return {
    type: 'table',
    title,
    alt: 'Scores of the first row by every method, each scaled to its own largest score.',
    columns: [
      { key: 'name', label: 'Position', kind: 'text' },
      ...maps.map((_, i) => ({ key: `m${String(i)}`, label: titleOf(result, i), kind: 'number' as const })),
    ],
    rows,
    ...(names.length > maxColumnCount ? { omittedRowCount: names.length - maxColumnCount } : {}),
  };
}

/** Scores that are all above zero (means of f, say) are compared with each other: the smallest becomes zero. */
function scaledToOne(map: Float64Array): Float64Array {
  const lowest = map.reduce((least, value) => Math.min(least, value), Infinity);
  const shifted = lowest > 0 ? map.map((value) => value - lowest) : map;
  const largest = maxAbs(shifted);
  return largest === 0 ? shifted : shifted.map((value) => Number((value / largest).toPrecision(4)));
}
