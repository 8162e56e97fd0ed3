import { formatAddress } from '../../../onnx/addresses.js';
import { elementCountOf } from '../../../onnx/tensorValue.js';
import type {
  Block,
  ChartBlock,
  ImageGridBlock,
  Picture,
  TableBlock,
  TableCell,
  TableColumn,
} from '../../../protocol/blocks.js';
import { toReportNumber } from '../../../protocol/reportNumbers.js';
import { zPicture } from '../../shared/descent/zPicture.js';
import type { InvertedInput } from './inputs.js';
import type { Inversion } from './invert.js';
import { vegaLiteSchema } from '../../shared/vegaLite.js';

/** Samples shown as pictures, at most: each comes once for every layer. */
const shownRowCount = 8;

/** Elements of an input that is no picture, listed at most. */
const listedElementCount = 64;

/** Points of a trajectory that are drawn. */
const drawnStepCount = 200;

/** Returns the mean of numbers; NaN of none. */
export function meanOf(numbers: ArrayLike<number>): number {
  return Array.from(numbers).reduce((sum, number) => sum + number, 0) / numbers.length;
}

/** Returns the originals beside what was found from every layer, sample by sample; a table where inputs are no pictures. */
export function inversionBlocks(input: InvertedInput, inversions: readonly Inversion[]): Block[] {
  return [
    depthChart(inversions),
    pictureGrid(input, inversions) ?? elementTable(input, inversions),
    sampleTable(input, inversions),
  ];
}

function depthChart(inversions: readonly Inversion[]): ChartBlock {
  const rows = inversions.map(({ layer, relativeErrors, distances }) => ({
    layer: layer.name,
    error: toReportNumber(meanOf(relativeErrors)),
    distance: toReportNumber(meanOf(distances)),
  }));
  const values = rows.flatMap(({ layer, error, distance }) => [
    { layer, what: 'error of the representation', value: error },
    { layer, what: 'distance of the input', value: distance },
  ]);
  return {
    type: 'chart',
    title: 'What each layer keeps',
    alt: 'Relative error of the representation and distance of the found input from the original, by layer from input to output.',
    spec: {
      $schema: vegaLiteSchema,
      data: { values },
      mark: { type: 'line', point: true, tooltip: true },
      encoding: {
        x: { field: 'layer', type: 'nominal', sort: null, title: null },
        y: { field: 'value', type: 'quantitative', title: 'mean over samples' },
        color: { field: 'what', type: 'nominal', title: null },
      },
    },
    table: {
      columns: depthColumns,
      rows: rows.map((row) => ({ ...row, layer: formatAddress({ layer: row.layer }) })),
    },
  };
}

const depthColumns: TableColumn[] = [
  { key: 'layer', label: 'Layer', kind: 'address' },
  {
    key: 'error',
    label: 'Relative error',
    kind: 'number',
    description: '‖Φ(x) − Φ₀‖ / ‖Φ₀‖, mean over samples.',
  },
  {
    key: 'distance',
    label: 'Input distance',
    kind: 'number',
    description: 'Root mean square of x − x₀ in shares of the input’s range, mean over samples.',
  },
];

function pictureGrid(input: InvertedInput, inversions: readonly Inversion[]): ImageGridBlock | undefined {
  const images: Picture[] = [];
  for (let row = 0; row < Math.min(input.rowCount, shownRowCount); row++) {
    const id = input.ids[row] ?? '';
    const found = [
      { z: input.z, caption: `${id} · original` },
      ...inversions.map(({ layer, z, relativeErrors }) => ({
        z,
        caption: `${id} · from ${layer.name} · error ${(relativeErrors[row] ?? NaN).toPrecision(2)}`,
      })),
    ];
    for (const { z, caption } of found) {
      const picture = zPicture(input, z, { row, caption });
      if (picture === undefined) return undefined;
      images.push(picture);
    }
  }
  return {
    type: 'image-grid',
    title: 'Originals and what was found from each layer',
    alt: `${String(images.length)} pictures: each sample, then the input found from the representation of every layer.`,
    images,
  };
}

/** The elements of the first sample beside those that were found. */
function elementTable(
  { dims, z, range: { centre, half }, ids }: InvertedInput,
  inversions: readonly Inversion[],
): TableBlock {
  const size = elementCountOf(dims.slice(1));
  const [middle, unit] = [Number(centre.data[0]), Number(half.data[0])];
  const listed = Array.from({ length: Math.min(size, listedElementCount) }, (_, element) => element);
  const isOneRange = centre.data.length === 1;
  const cell = (numbers: Float64Array, element: number): TableCell => {
    const number = numbers[element] ?? NaN;
    return toReportNumber(isOneRange ? middle + unit * number : number);
  };
  return {
    type: 'table',
    title: `${ids[0] ?? 'The first sample'} and what was found from each layer`,
    columns: [
      { key: 'element', label: 'Element', kind: 'text' },
      { key: 'original', label: 'Original', kind: 'number' },
      ...inversions.map(({ layer }, index) => ({
        key: `found${String(index)}`,
        label: layer.name,
        kind: 'number' as const,
      })),
    ],
    rows: listed.map((element) => ({
      element: String(element),
      original: cell(z, element),
      ...Object.fromEntries(
        inversions.map((each, index) => [`found${String(index)}`, cell(each.z, element)]),
      ),
    })),
    omittedRowCount: size - listed.length,
  };
}

function sampleTable({ ids, rowCount }: InvertedInput, inversions: readonly Inversion[]): TableBlock {
  return {
    type: 'table',
    title: 'Samples and layers',
    folded: true,
    columns: [
      { key: 'sample', label: 'Sample', kind: 'text' },
      { key: 'layer', label: 'Layer', kind: 'address' },
      { key: 'error', label: 'Relative error', kind: 'number' },
      { key: 'distance', label: 'Input distance', kind: 'number' },
    ],
    rows: Array.from({ length: rowCount }, (_, row) => row).flatMap((row) =>
      inversions.map(({ layer, relativeErrors, distances }) => ({
        sample: ids[row] ?? String(row),
        layer: formatAddress({ layer: layer.name }),
        error: toReportNumber(relativeErrors[row] ?? NaN),
        distance: toReportNumber(distances[row] ?? NaN),
      })),
    ),
  };
}

/** Returns how the objective fell, a line for each layer. */
export function trajectoryChart({ rowCount }: InvertedInput, inversions: readonly Inversion[]): ChartBlock {
  const rows = inversions.flatMap(({ layer, objective }) => {
    const stride = Math.max(1, Math.ceil(objective.length / drawnStepCount));
    return objective.flatMap((values, step) =>
      step % stride === 0 || step === objective.length - 1
        ? [{ layer: layer.name, step, objective: toReportNumber(meanOf(values.subarray(0, rowCount))) }]
        : [],
    );
  });
  return {
    type: 'chart',
    title: 'Objective by step',
    alt: 'What was minimised, mean over samples, by step, one line for each layer.',
    folded: true,
    spec: {
      $schema: vegaLiteSchema,
      data: { values: rows },
      mark: { type: 'line', tooltip: true },
      encoding: {
        x: { field: 'step', type: 'quantitative', title: 'step' },
        y: { field: 'objective', type: 'quantitative', title: 'objective', scale: { type: 'log' } },
        color: { field: 'layer', type: 'nominal', sort: null, title: null },
      },
    },
    table: {
      columns: [
        { key: 'layer', label: 'Layer', kind: 'address' },
        { key: 'step', label: 'Step', kind: 'count' },
        { key: 'objective', label: 'Objective', kind: 'number' },
      ],
      rows: rows.map((row) => ({ ...row, layer: formatAddress({ layer: row.layer }) })),
    },
  };
}
