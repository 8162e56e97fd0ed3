import { activationCatalogue } from '../../../activations/catalogue.js';
import { derivativeOf } from '../../../activations/derivative.js';
import { type ActivationEntry, fill } from '../../../activations/entry.js';
import { latexOf } from '../../../activations/latex.js';
import type { ActivationProperties } from '../../../activations/properties.js';
import { counted, formatNumber } from '../../../protocol/formatReport.js';
import type { Block, TableCell } from '../../../protocol/blocks.js';
import { toReportNumber } from '../../../protocol/reportNumbers.js';
import { columnLines } from '../../shared/plainCharts.js';
import type { DrawnFunction } from './functionsInUse.js';

/** Where functions are drawn: ±this, every 1/10. */
const drawnReach = 6;

/** Functions drawn together at most. */
const drawnCount = 8;

/** Returns the page of one entry: value and derivative, formulas, properties, source. */
export function entryPage(entry: ActivationEntry, properties: ActivationProperties): Block[] {
  const { value, slope } = fill(entry);
  const rows = drawnPlaces().map((x) => ({
    x,
    value: toReportNumber(value(x)),
    slope: toReportNumber(slope(x)),
  }));
  const [name = entry.id] = entry.names;
  return [
    columnLines({
      title: `${name}: value and derivative`,
      alt: `The activation ${name} and its derivative from −${String(drawnReach)} to ${String(drawnReach)}.`,
      x: { key: 'x', label: 'x' },
      rows,
      valueTitle: 'Value',
      series: [
        { key: 'value', label: 'f' },
        { key: 'slope', label: 'f′' },
      ],
    }),
    { type: 'markdown', title: `${name}: formulas`, text: formulasOf(entry) },
    {
      type: 'table',
      title: `${name}: properties`,
      columns: [
        { key: 'property', label: 'Property', kind: 'text' },
        { key: 'value', label: 'Value', kind: 'text' },
      ],
      rows: propertyRows(properties),
    },
  ];
}

function drawnPlaces(): number[] {
  return Array.from({ length: 20 * drawnReach + 1 }, (_, i) => i / 10 - drawnReach);
}

function formulasOf(entry: ActivationEntry): string {
  const { names, parameters, formula, expression, source, operator } = entry;
  const defaults = parameters
    .map((parameter) => `${parameter.name} = ${String(parameter.default)}`)
    .join(', ');
  const year = source.year === null ? '' : ` (${String(source.year)})`;
  return [
    `**${names.join(' · ')}**`,
    `Formula: \`${formula}\`${defaults === '' ? '' : ` with ${defaults}`}`,
    `LaTeX of f: \`${latexOf(expression)}\``,
    `LaTeX of f′: \`${latexOf(derivativeOf(expression))}\``,
    ...(operator === undefined ? [] : [`Operator: \`${operator}\``]),
    `Source: ${source.title}${year}, <${source.url}>`,
  ].join('\n\n');
}

function propertyRows(properties: ActivationProperties): { property: string; value: string }[] {
  const { range, gaussianMean, gaussianSquare, gaussianSlopeSquare, lipschitz, joints } = properties;
  const where = joints.map(({ x }) => formatNumber(x)).join(', ');
  return [
    { property: 'Range', value: rangeText(range) },
    { property: 'Monotonicity', value: properties.monotonicity },
    { property: 'Symmetry', value: properties.symmetry },
    {
      property: 'Smoothness',
      value: smoothnessText(properties) + (where === '' ? '' : ` (pieces meet at ${where})`),
    },
    { property: 'Lipschitz constant', value: formatNumber(lipschitz) },
    { property: 'Mean under N(0, 1)', value: formatNumber(rounded(gaussianMean)) },
    { property: 'Mean square under N(0, 1)', value: formatNumber(gaussianSquare) },
    { property: 'Mean squared slope under N(0, 1)', value: formatNumber(gaussianSlopeSquare) },
  ];
}

/** The quadrature is good to about 1e-7: what is smaller is 0. */
function rounded(value: number): number {
  return Math.abs(value) < 1e-7 ? 0 : value;
}

function rangeText({ low, high }: ActivationProperties['range']): string {
  return `${formatNumber(low)} … ${formatNumber(high)}`;
}

function smoothnessText({ smoothness }: ActivationProperties): string {
  if (smoothness === null) return 'every derivative';
  if (smoothness < 0) return 'jumps';
  if (smoothness === 0) return 'continuous with kinks';
  return smoothness === 3 ? 'at least three derivatives' : counted(smoothness, 'continuous derivative');
}

/** Returns the properties of functions, one row each. */
export function propertyTable(
  functions: readonly {
    readonly name: string;
    readonly entry: string;
    readonly properties: ActivationProperties;
  }[],
): Block {
  return {
    type: 'table',
    title: 'Functions in use',
    columns: [
      { key: 'function', label: 'Function', kind: 'text' },
      { key: 'entry', label: 'Entry', kind: 'text' },
      { key: 'range', label: 'Range', kind: 'text', description: 'Infimum and supremum.' },
      { key: 'monotonicity', label: 'Monotonicity', kind: 'text' },
      { key: 'symmetry', label: 'Symmetry', kind: 'text' },
      { key: 'smoothness', label: 'Smoothness', kind: 'text' },
      { key: 'lipschitz', label: 'Lipschitz', kind: 'text', description: 'Supremum of the slope’s size.' },
      {
        key: 'mean',
        label: 'Mean under N(0, 1)',
        kind: 'number',
        description: '0 for a zero-centred function.',
      },
    ],
    rows: functions.map(({ name, entry, properties }): Record<string, TableCell> => ({
      function: name,
      entry,
      range: rangeText(properties.range),
      monotonicity: properties.monotonicity,
      symmetry: properties.symmetry,
      smoothness: smoothnessText(properties),
      lipschitz: formatNumber(properties.lipschitz),
      mean: rounded(properties.gaussianMean),
    })),
  };
}

/** Returns functions as curves, values and slopes each in a chart of their own. */
export function curveCharts(functions: readonly DrawnFunction[]): Block[] {
  const drawn = functions.slice(0, drawnCount);
  if (drawn.length === 0) return [];
  const left = functions.length - drawn.length;
  const series = drawn.map(({ name }, i) => ({ key: `f${String(i)}`, label: name }));
  const chart = (title: string, of: (function_: DrawnFunction, x: number) => number): Block =>
    columnLines({
      title,
      alt: `${title} of ${String(drawn.length)} activations from −${String(drawnReach)} to ${String(drawnReach)}.${left > 0 ? ` ${String(left)} more are not drawn.` : ''}`,
      x: { key: 'x', label: 'Input' },
      rows: drawnPlaces().map((x) => ({
        x,
        ...Object.fromEntries(
          drawn.map((function_, i) => [`f${String(i)}`, toReportNumber(of(function_, x))]),
        ),
      })),
      valueTitle: title,
      series,
    });
  return [chart('Output', ({ value }, x) => value(x)), chart('Slope', ({ slope }, x) => slope(x))];
}

/** Returns every entry of the catalogue with its formula and source. */
export function catalogueTable(): Block {
  return {
    type: 'table',
    title: `The catalogue: ${String(activationCatalogue.size)} activation functions`,
    folded: true,
    columns: [
      { key: 'entry', label: 'Entry', kind: 'text' },
      { key: 'name', label: 'Name', kind: 'text' },
      { key: 'formula', label: 'Formula', kind: 'text' },
      { key: 'parameters', label: 'Defaults', kind: 'text' },
      { key: 'source', label: 'Source', kind: 'text' },
      { key: 'year', label: 'Year', kind: 'text' },
      { key: 'url', label: 'Address', kind: 'text' },
    ],
    rows: [...activationCatalogue.values()].map(({ id, names, formula, parameters, source }) => ({
      entry: id,
      name: names.join(' · '),
      formula,
      parameters: parameters
        .map((parameter) => `${parameter.name} = ${String(parameter.default)}`)
        .join(', '),
      source: source.title,
      year: source.year === null ? '' : String(source.year),
      url: source.url,
    })),
  };
}
