import { encodePng } from '../../../base/png.js';
import { levelsOf, pngPicture } from '../../../data/picture.js';
import type { Block, Picture, TableCell, TableColumn } from '../../../protocol/blocks.js';
import { formatNumber } from '../../../protocol/formatReport.js';
import { toReportNumber } from '../../../protocol/reportNumbers.js';
import { rowPixels } from '../../shared/rowPixels.js';
import { rowName } from '../attribution/rows.js';
import type { AdversarialStudy } from './study.js';

/** Rows shown, elements of a table's row: at most. */
const [shownRowCount, shownElementCount] = [8, 5];

/** Returns clean rows, adversarial ones and the perturbation between them, side by side; for tables what moved most. */
export function exampleBlocks(study: AdversarialStudy, labelNames: readonly string[] | undefined): Block[] {
  const shown = shownRows(study);
  if (shown.length === 0) return [];
  const images = shown.map((row) => triptych(study, row, labelNames)).filter((image) => image !== undefined);
  if (images.length < shown.length) return [movesTable(study, shown, labelNames)];
  return [
    {
      type: 'image-grid',
      title: 'Clean, adversarial, and the perturbation',
      alt: `${String(shown.length)} rows: as they are, as attacked, and the difference, amplified so that ±ε is black and white.`,
      images,
    },
  ];
}

/** Rows that were right and are wrong now, first; the others only where there are none. */
function shownRows({ cleanGaps, caught }: AdversarialStudy): number[] {
  const rows = [...cleanGaps.keys()];
  const fooled = rows.filter((row) => !((cleanGaps[row] ?? NaN) > 0) && (caught.gaps[row] ?? NaN) > 0);
  return (fooled.length > 0 ? fooled : rows).slice(0, shownRowCount);
}

/** Grey columns between the three parts of a picture. */
const gapWidth = 2;

/** The row, the attacked row and the amplified difference in one picture, so that no layout parts them. */
function triptych(
  study: AdversarialStudy,
  row: number,
  labelNames: readonly string[] | undefined,
): Picture | undefined {
  const { input, range, caught, epsilon, predictions, rows } = study;
  const size = input.dims.reduce((product, dim) => product * dim, 1);
  const own = input.values.subarray(row * size, (row + 1) * size);
  const attacked = caught.values.subarray(row * size, (row + 1) * size);
  const difference = Float64Array.from(own, (value, i) => (attacked[i] ?? NaN) - value);
  const [low, high] = [extreme(range.low, Math.min), extreme(range.high, Math.max)];
  const hasRange = Number.isFinite(low) && Number.isFinite(high) && high > low;
  const levels = hasRange
    ? ([low, high] as const)
    : ([extreme(own, Math.min), extreme(own, Math.max)] as const);
  // A perturbation of L2 is shown by its own largest step, one of L∞ by ε.
  const reach = Math.min(epsilon, extreme(difference.map(Math.abs), Math.max)) || 1;
  const factor = (levels[1] - levels[0]) / (2 * reach);
  const classOf = (index: number | undefined): string =>
    labelNames?.[index ?? -1] ?? `class ${String(index)}`;
  const caption = `${rowName(rows.ids[row] ?? String(row))}: ${classOf(predictions.clean[row])} → ${classOf(predictions.adversarial[row])}, perturbation × ${formatNumber(Number(factor.toPrecision(2)))}`;
  const parts = [
    drawn(study, own, levels),
    drawn(study, attacked, levels),
    drawn(study, difference, [-reach, reach]),
  ].filter((part) => part !== undefined);
  return parts.length === 3 ? sideBySide(parts, caption) : undefined;
}

function extreme(values: ArrayLike<number>, choose: (a: number, b: number) => number): number {
  let found = values[0] ?? NaN;
  for (let i = 1; i < values.length; i++) found = choose(found, values[i] ?? NaN);
  return found;
}

interface Drawn {
  readonly width: number;
  readonly height: number;
  readonly channelCount: 1 | 3;
  readonly levels: Uint8Array;
}

function drawn(
  { input }: AdversarialStudy,
  elements: ArrayLike<number>,
  range: readonly [number, number],
): Drawn | undefined {
  const pixels = rowPixels({ dims: input.dims, channelAxis: input.channelAxis, elements }, 0);
  if (pixels === undefined) return undefined;
  return { ...pixels, levels: levelsOf(pixels.values, range) };
}

function sideBySide(parts: readonly Drawn[], caption: string): Picture {
  const { width = 1, height = 1, channelCount = 1 } = parts[0] ?? {};
  const total = parts.length * width + (parts.length - 1) * gapWidth;
  const levels = new Uint8Array(total * height * channelCount).fill(128);
  for (const [place, part] of parts.entries()) {
    for (let y = 0; y < height; y++) {
      const line = part.levels.subarray(y * width * channelCount, (y + 1) * width * channelCount);
      levels.set(line, (y * total + place * (width + gapWidth)) * channelCount);
    }
  }
  const png = encodePng(total, height, levels, channelCount);
  return pngPicture(png, { width: total, height, alt: caption, caption });
}

const moveColumns: TableColumn[] = [
  { key: 'row', label: 'Row', kind: 'text' },
  { key: 'clean', label: 'Taken for', kind: 'text' },
  { key: 'adversarial', label: 'Attacked, taken for', kind: 'text' },
  { key: 'size', label: 'Perturbation', kind: 'number' },
  { key: 'moves', label: 'Largest steps', kind: 'text' },
];

function movesTable(
  study: AdversarialStudy,
  shown: readonly number[],
  labelNames: readonly string[] | undefined,
): Block {
  const { input, caught, predictions, rows } = study;
  const size = input.dims.reduce((product, dim) => product * dim, 1);
  const classOf = (index: number | undefined): string =>
    labelNames?.[index ?? -1] ?? `class ${String(index)}`;
  const cells = shown.map((row): Record<string, TableCell> => {
    const steps = Array.from({ length: size }, (_, i) => ({
      at: i,
      step: (caught.values[row * size + i] ?? NaN) - (input.values[row * size + i] ?? NaN),
    })).sort((a, b) => Math.abs(b.step) - Math.abs(a.step));
    return {
      row: rowName(rows.ids[row] ?? String(row)),
      clean: classOf(predictions.clean[row]),
      adversarial: classOf(predictions.adversarial[row]),
      size: toReportNumber(caught.distances[row] ?? NaN),
      moves: steps
        .slice(0, shownElementCount)
        .map(
          ({ at, step }) =>
            `${input.columnNames?.[at] ?? `${input.name}[${String(at)}]`} ${step > 0 ? '+' : ''}${formatNumber(step)}`,
        )
        .join(', '),
    };
  });
  return {
    type: 'table',
    title: 'What moved',
    alt: `The largest steps of ${String(shown.length)} attacked rows.`,
    columns: moveColumns,
    rows: cells,
  };
}
