import { formatAddress } from '../../../onnx/addresses.js';
import { elementCountOf } from '../../../onnx/tensorValue.js';
import type { ChartBlock, TableBlock, TableCell, TableColumn } from '../../../protocol/blocks.js';
import { toReportNumber } from '../../../protocol/reportNumbers.js';
import type { Dissection, DissectionFigures } from './figures.js';
import { vegaLiteSchema } from '../../shared/vegaLite.js';

/** Units listed in a report; the arrays hold all. */
const listedUnitCount = 500;

/** Concepts drawn; the table behind the chart holds all. */
const drawnConceptCount = 40;

const conceptColumns: TableColumn[] = [
  { key: 'concept', label: 'Concept', kind: 'text' },
  {
    key: 'detectors',
    label: 'Detectors',
    kind: 'count',
    description: 'Units whose best concept it is, above the bar.',
  },
  {
    key: 'unit',
    label: 'Best unit',
    kind: 'address',
    description: 'Best of the units whose best concept it is.',
  },
  { key: 'iou', label: 'IoU', kind: 'number' },
  {
    key: 'area',
    label: 'Area',
    kind: 'percent',
    description: 'Share of all positions that it is marked on.',
  },
];

/** Returns a bar per concept: how many units detect it, most first. */
export function conceptChart(dissection: Dissection, figures: DissectionFigures): ChartBlock {
  const rows = conceptRows(dissection, figures);
  const drawn = rows.slice(0, drawnConceptCount);
  return {
    type: 'chart',
    title: 'Detectors per concept',
    alt: `How many units of ${dissection.plan.layer} detect each concept, most first.`,
    spec: {
      $schema: vegaLiteSchema,
      data: { values: drawn.map(({ concept = '', detectors = 0 }) => ({ concept, detectors })) },
      mark: { type: 'bar', tooltip: true },
      encoding: {
        y: { field: 'concept', type: 'nominal', sort: null, title: null },
        x: {
          field: 'detectors',
          type: 'quantitative',
          title: 'Units that detect it',
          axis: { tickMinStep: 1, format: 'd' },
        },
      },
    },
    table: { columns: conceptColumns, rows },
  };
}

function conceptRows(
  { plan, concepts, overlaps, sampleCount }: Dissection,
  { detectorCounts, units }: DissectionFigures,
): Record<string, TableCell>[] {
  const positions = sampleCount * elementCountOf(concepts.dims ?? plan.dims);
  const found = concepts.names.map((name, concept) => ({
    name,
    best: units.find((each) => each.concept === concept && each.iou > 0),
    detectors: detectorCounts[concept] ?? 0,
    area: (overlaps.conceptAreas[concept] ?? 0) / positions,
  }));
  found.sort((a, b) => b.detectors - a.detectors || (b.best?.iou ?? 0) - (a.best?.iou ?? 0));
  return found.map(({ name, best, detectors, area }) => ({
    concept: name,
    detectors,
    unit: best === undefined ? null : formatAddress({ layer: plan.layer, unit: best.unit }),
    iou: best === undefined ? null : toReportNumber(best.iou),
    area,
  }));
}

function unitColumns(minimumIou: number): TableColumn[] {
  return [
    { key: 'unit', label: 'Unit', kind: 'address' },
    { key: 'concept', label: 'Best concept', kind: 'text' },
    {
      key: 'iou',
      label: 'IoU',
      kind: 'number',
      description: 'Intersection over union with the concept’s masks.',
    },
    {
      key: 'chance',
      label: 'By chance',
      kind: 'number',
      description: 'IoU of masks of the same areas that lie at random.',
    },
    { key: 'isDetector', label: 'Detector', kind: 'text', description: `IoU above ${String(minimumIou)}.` },
    {
      key: 'precision',
      label: 'On the concept',
      kind: 'percent',
      description: 'Share of the positions above the threshold that the concept covers.',
    },
    {
      key: 'area',
      label: 'Area',
      kind: 'percent',
      description: 'Share of all positions above the threshold.',
    },
    { key: 'threshold', label: 'Threshold', kind: 'number' },
  ];
}

/** Returns a row per unit, best overlap first. */
export function unitTable(
  { plan, concepts, pass, minimumIou }: Dissection,
  { units }: DissectionFigures,
): TableBlock {
  const listed = units.slice(0, listedUnitCount);
  return {
    type: 'table',
    title: 'Units and their concepts',
    columns: unitColumns(minimumIou),
    rows: listed.map(({ unit, concept, iou, area, precision, chance }) => ({
      unit: formatAddress({ layer: plan.layer, unit }),
      concept: iou > 0 ? (concepts.names[concept] ?? '?') : null,
      iou: toReportNumber(iou),
      chance: Number.isNaN(chance) ? null : chance,
      isDetector: iou > minimumIou ? 'yes' : 'no',
      precision: area === 0 ? null : toReportNumber(precision),
      area: toReportNumber(area),
      threshold: toReportNumber(pass.thresholds[unit] ?? NaN),
    })),
    omittedRowCount: units.length - listed.length,
  };
}
