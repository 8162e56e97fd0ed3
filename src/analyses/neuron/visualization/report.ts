import { elementCountOf } from '../../../onnx/tensorValue.js';
import type {
  Block,
  ChartBlock,
  Picture,
  TableBlock,
  TableCell,
  TableColumn,
} from '../../../protocol/blocks.js';
import { formatNumber } from '../../../protocol/formatReport.js';
import { toReportNumber } from '../../../protocol/reportNumbers.js';
import { zPicture } from '../../shared/descent/zPicture.js';
import { lineChart } from '../../shared/lineChart.js';
import type { Canvas } from './canvas.js';
import { scaleOf, type Visualization } from './visualize.js';

/** Steps of a trajectory that are drawn, and positions of an input that is a series. */
const [drawnStepCount, drawnPositionCount] = [75, 500];

/** Elements of an input that is no picture, listed at most. */
const listedElementCount = 64;

/** Returns the largest of numbers; NaN of none. */
export function highestOf(numbers: ArrayLike<number>): number {
  return numbers.length === 0 ? NaN : Math.max(...Array.from(numbers));
}

/** Returns how many times the best sample's activation was reached; undefined where no sample excites the unit. */
export function ratioOf({ reached, target }: Visualization): number | undefined {
  return target.best > 0 ? highestOf(reached) / target.best : undefined;
}

/** Returns the blocks between the findings and the explanation. */
export function visualizationBlocks(canvas: Canvas, found: readonly Visualization[]): Block[] {
  return [
    ...(pictureGrids(canvas, found) ?? [seriesChart(canvas, found) ?? elementTable(canvas, found)]),
    trajectoryChart(canvas, found),
    unitTable(canvas, found),
  ];
}

/** A sample or noise, as a caption says it. */
function bestName({ comparedWith, comparedCount }: Canvas): string {
  return comparedWith === 'samples'
    ? `best of ${formatNumber(comparedCount, 'count')} samples`
    : 'best of noise';
}

/** What was found and the best sample of every unit, as rows of z with captions. */
function shownRows(
  canvas: Canvas,
  { target, z, reached }: Visualization,
): { readonly z: Float64Array; readonly row: number; readonly caption: string }[] {
  const { excited, best, bestZ, bestId } = target;
  const captionOf = (what: string, activation: number): string =>
    `${excited.name} · ${what} · ${formatNumber(toReportNumber(activation))}`;
  const isOne = reached.length === 1;
  return [
    ...Array.from(reached, (activation, row) => ({
      z,
      row,
      caption: captionOf(isOne ? 'found' : `found ${String(row + 1)}`, activation),
    })),
    { z: bestZ, row: 0, caption: captionOf(`${bestName(canvas)}: ${bestId}`, best) },
  ];
}

/** A row of pictures for each unit; undefined where inputs are none. */
function pictureGrids(canvas: Canvas, found: readonly Visualization[]): Block[] | undefined {
  const grids: Block[] = [];
  for (const visualization of found) {
    const { name } = visualization.target.excited;
    const images: Picture[] = [];
    for (const { z, row, caption } of shownRows(canvas, visualization)) {
      const picture = zPicture(canvas.input, z, { row, caption });
      if (picture === undefined) return undefined;
      images.push(picture);
    }
    grids.push({
      type: 'image-grid',
      title: `What excites ${name}`,
      alt: `${String(images.length)} pictures: the inputs that were found for ${name}, then the ${canvas.comparedWith === 'samples' ? 'sample' : 'noise'} that excites it most, with the activation.`,
      images,
    });
  }
  return grids.length === 0 ? undefined : grids;
}

/** Inputs of one channel along one axis, as lines. */
function seriesChart(canvas: Canvas, found: readonly Visualization[]): ChartBlock | undefined {
  const { dims, positionAxes } = canvas.input;
  const length = elementCountOf(dims.slice(1));
  if (positionAxes.length !== 1 || length !== dims[positionAxes[0] ?? 0]) return undefined;
  const stride = Math.ceil(length / drawnPositionCount);
  const rows = found.flatMap((visualization) =>
    shownRows(canvas, visualization).flatMap(({ z, row, caption }) =>
      Array.from({ length: Math.ceil(length / stride) }, (_, i) => ({
        input: caption,
        position: i * stride,
        value: toReportNumber(z[row * length + i * stride] ?? NaN),
      })),
    ),
  );
  return lineChart({
    title: 'What excites each unit',
    alt: 'The inputs that were found for every unit and the best one without a search, position by position, in halves of the range from its middle.',
    x: { field: 'position', title: 'position' },
    y: { field: 'value', title: 'input, in halves of its range' },
    series: 'input',
    rows,
    columns: [
      { key: 'input', label: 'Input', kind: 'text' },
      { key: 'position', label: 'Position', kind: 'count' },
      { key: 'value', label: 'Value', kind: 'number' },
    ],
  });
}

function elementTable({ input, range, ...canvas }: Canvas, found: readonly Visualization[]): TableBlock {
  const size = elementCountOf(input.dims.slice(1));
  const listed = Array.from({ length: Math.min(size, listedElementCount) }, (_, element) => element);
  const shown = found.flatMap((visualization) =>
    shownRows({ input, range, ...canvas }, visualization).map(({ z, row, caption }) => ({
      caption,
      values: range.fromZ(z.slice(row * size, (row + 1) * size)),
    })),
  );
  return {
    type: 'table',
    title: 'What excites each unit',
    columns: [
      { key: 'element', label: 'Element', kind: 'text' },
      ...shown.map(({ caption }, index) => ({
        key: `input${String(index)}`,
        label: caption,
        kind: 'number' as const,
      })),
    ],
    rows: listed.map((element) => ({
      element: String(element),
      ...Object.fromEntries(
        shown.map(({ values }, index): [string, TableCell] => [
          `input${String(index)}`,
          toReportNumber(values[element] ?? NaN),
        ]),
      ),
    })),
    omittedRowCount: size - listed.length,
  };
}

function trajectoryChart(canvas: Canvas, found: readonly Visualization[]): ChartBlock {
  const rows = found.flatMap(({ target, trajectory }) => {
    const stride = Math.max(1, Math.ceil(trajectory.length / drawnStepCount));
    return trajectory.flatMap((activations, step) =>
      step % stride === 0 || step === trajectory.length - 1
        ? [
            {
              unit: target.excited.name,
              step,
              activation: toReportNumber(highestOf(activations) / scaleOf(target)),
            },
          ]
        : [],
    );
  });
  const last = Math.max(0, ...found.map(({ trajectory }) => trajectory.length - 1));
  const line = found.some(({ target }) => target.best > 0)
    ? [0, last].map((step) => ({ unit: bestName(canvas), step, activation: 1 }))
    : [];
  return lineChart({
    title: 'Activation by step',
    alt: `The highest activation among the inputs of every unit, by step, in units of that of the ${bestName(canvas)} (of the size of its activations, where none is positive). Inputs are moved at random while they are looked for, and not at the last step.`,
    x: { field: 'step', title: 'step' },
    y: { field: 'activation', title: `activation ÷ ${bestName(canvas)}` },
    series: 'unit',
    rows: [...rows, ...line],
    columns: [
      { key: 'unit', label: 'Unit', kind: 'text' },
      { key: 'step', label: 'Step', kind: 'count' },
      { key: 'activation', label: 'Activation', kind: 'number', description: 'In units of the best.' },
    ],
  });
}

function unitTable(canvas: Canvas, found: readonly Visualization[]): TableBlock {
  const hasDirections = found.some(({ target }) => target.excited.direction !== undefined);
  return {
    type: 'table',
    title: 'Units',
    columns: unitColumns(canvas).filter(({ key }) => hasDirections || key !== 'direction'),
    rows: found.map((visualization) => {
      const { target, reached } = visualization;
      const ratio = ratioOf(visualization);
      return {
        unit: target.excited.address,
        ...(hasDirections ? { direction: target.excited.name } : {}),
        reached: toReportNumber(highestOf(reached)),
        lowest: toReportNumber(Math.min(...Array.from(reached))),
        best: toReportNumber(target.best),
        ratio: ratio === undefined ? null : toReportNumber(ratio),
        mean: toReportNumber(target.mean),
        id: target.bestId,
      };
    }),
  };
}

function unitColumns({ comparedWith }: Canvas): TableColumn[] {
  const isOnData = comparedWith === 'samples';
  const number = (key: string, label: string, description: string): TableColumn => ({
    key,
    label,
    kind: 'number',
    description,
  });
  return [
    { key: 'unit', label: 'Unit', kind: 'address' },
    { key: 'direction', label: 'Direction', kind: 'text' },
    number('reached', 'Reached', 'Highest activation among the inputs that were found.'),
    number('lowest', 'Lowest', 'Lowest among them: how much depends on the start.'),
    number('best', isOnData ? 'Best sample' : 'Best noise', `Highest activation on ${comparedWith}.`),
    number('ratio', 'Reached ÷ best', 'Not there where the best is not above 0.'),
    number('mean', 'Mean', `Mean activation on ${comparedWith}.`),
    { key: 'id', label: isOnData ? 'Sample' : 'Noise', kind: 'text' },
  ];
}
