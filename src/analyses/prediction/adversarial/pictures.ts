import { encodePng } from '../../../base/png.js';
import { pngPicture } from '../../../data/picture.js';
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
  const images = shown.map((row) => triplet(study, row, labelNames));
  if (images.some((images) => images === undefined)) return [movesTable(study, shown, labelNames)];
  return [
    {
      type: 'image-grid',
      title: 'Clean, adversarial, and the perturbation',
      alt: `${String(shown.length)} rows that the attack fooled: as they are, as attacked, and the difference, amplified so that ±ε is black and white.`,
      images: images.flatMap((three) => three ?? []),
    },
  ];
}

/** Rows that were right and are wrong now, first; the others only where there are none. */
function shownRows({ cleanGaps, caught }: AdversarialStudy): number[] {
  const rows = [...cleanGaps.keys()];
  const fooled = rows.filter((row) => !((cleanGaps[row] ?? NaN) > 0) && (caught.gaps[row] ?? NaN) > 0);
  return (fooled.length > 0 ? fooled : rows).slice(0, shownRowCount);
}

function triplet(
  study: AdversarialStudy,
  row: number,
  labelNames: readonly string[] | undefined,
): Picture[] | undefined {
  const { input, range, caught, epsilon, predictions, rows } = study;
  const size = input.dims.reduce((product, dim) => product * dim, 1);
  const [low, high] = [Math.min(...range.low), Math.max(...range.high)];
  const hasRange = Number.isFinite(low) && Number.isFinite(high) && high > low;
  const own = input.values.subarray(row * size, (row + 1) * size);
  const [least, greatest] = hasRange ? [low, high] : [Math.min(...own), Math.max(...own)];
  const difference = Float64Array.from(own, (value, i) => (caught.values[row * size + i] ?? NaN) - value);
  const most = difference.reduce((largest, step) => Math.max(largest, Math.abs(step)), 0);
  const reach = study.caught.distances.length > 0 && most > epsilon ? epsilon : most;
  const name = rowName(rows.ids[row] ?? String(row));
  const classOf = (index: number | undefined): string =>
    labelNames?.[index ?? -1] ?? `class ${String(index)}`;
  const factor = (greatest - least) / (2 * (reach === 0 ? 1 : reach));
  const pictures = [
    drawn(study, own, { least, greatest, caption: `${name}: ${classOf(predictions.clean[row])}` }),
    drawn(study, caught.values.subarray(row * size, (row + 1) * size), {
      least,
      greatest,
      caption: `attacked: ${classOf(predictions.adversarial[row])}`,
    }),
    drawn(study, difference, {
      least: -reach,
      greatest: reach,
      caption: `perturbation × ${formatNumber(Number(factor.toPrecision(2)))}`,
    }),
  ];
  const found = pictures.filter((picture) => picture !== undefined);
  return found.length === 3 ? found : undefined;
}

function drawn(
  { input }: AdversarialStudy,
  elements: ArrayLike<number>,
  at: { readonly least: number; readonly greatest: number; readonly caption: string },
): Picture | undefined {
  const pixels = rowPixels({ dims: input.dims, channelAxis: input.channelAxis, elements }, 0);
  if (pixels === undefined) return undefined;
  const width = at.greatest - at.least;
  const levels = Uint8Array.from(pixels.values, (value) => {
    const share = width > 0 ? (value - at.least) / width : 0.5;
    return Math.round(255 * Math.min(1, Math.max(0, share)));
  });
  const png = encodePng(pixels.width, pixels.height, levels, pixels.channelCount);
  return pngPicture(png, {
    width: pixels.width,
    height: pixels.height,
    alt: at.caption,
    caption: at.caption,
  });
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
