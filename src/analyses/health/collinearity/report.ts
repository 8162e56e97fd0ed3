import { formatAddress } from '../../../onnx/addresses.js';
import type { ChartBlock, TableBlock } from '../../../protocol/blocks.js';
import { formatNumber } from '../../../protocol/formatReport.js';
import { toReportNumber } from '../../../protocol/reportNumbers.js';
import { lineChart } from '../../shared/lineChart.js';
import type { Relation } from './inflation.js';
import { type CollinearLayer, type LayerFactors, layerFactors } from './layers.js';

/** Returns how far units explain each other, from input to output. */
export function depthChart(layers: readonly CollinearLayer[]): ChartBlock {
  const series: readonly (readonly [string, (factors: LayerFactors) => number])[] = [
    ['median', (factors) => factors.median],
    ['mean of the finite', (factors) => factors.mean],
    ['independent units', (factors) => factors.chance],
  ];
  const rows = layers.flatMap((at, index) =>
    series.map(([statistic, of]) => {
      const value = of(layerFactors(at));
      // Nothing can be drawn of an infinite median; the table of layers has it.
      const vif = Number.isFinite(value) ? value : null;
      return { depth: index + 1, layer: formatAddress({ layer: at.layer }), statistic, vif };
    }),
  );
  return lineChart({
    title: 'Variance inflation over depth',
    alt: 'Median and mean variance inflation factor of the units of each layer, from input to output, against what independent units would have by chance.',
    x: { field: 'depth', title: 'Layer, counted from the input', isCount: true },
    y: { field: 'vif', title: 'Variance inflation factor', isLogarithmic: true },
    series: 'statistic',
    rows,
    columns: [
      { key: 'depth', label: 'Depth', kind: 'count' },
      { key: 'layer', label: 'Layer', kind: 'address' },
      { key: 'statistic', label: 'Statistic', kind: 'text' },
      { key: 'vif', label: 'VIF', kind: 'number' },
    ],
  });
}

/** Returns a line for each layer. */
export function layerTable(layers: readonly CollinearLayer[]): TableBlock {
  return {
    type: 'table',
    title: 'Layers',
    columns: [
      { key: 'layer', label: 'Layer', kind: 'address' },
      { key: 'operator', label: 'Operator', kind: 'text' },
      { key: 'units', label: 'Units', kind: 'count', description: 'Units that were looked at.' },
      { key: 'ofUnits', label: 'Of', kind: 'count' },
      { key: 'observations', label: 'Observations', kind: 'count', description: 'Samples times positions.' },
      { key: 'median', label: 'Median VIF', kind: 'number' },
      { key: 'mean', label: 'Mean VIF', kind: 'number', description: 'Of the finite ones.' },
      { key: 'chance', label: 'By chance', kind: 'number', description: 'Of independent units.' },
      { key: 'high', label: 'Above 10', kind: 'percent', description: 'Share of the units that vary.' },
      { key: 'exact', label: 'Exact', kind: 'count', description: 'Units that others give exactly: VIF ∞.' },
      { key: 'constant', label: 'Constant', kind: 'count', description: 'Dead units among them: no VIF.' },
      { key: 'rank', label: 'Rank', kind: 'count', description: 'Independent units among those that vary.' },
    ],
    rows: layers.map((at) => {
      const factors = layerFactors(at);
      return {
        layer: formatAddress({ layer: at.layer }),
        operator: at.operator,
        units: at.units.length,
        ofUnits: at.unitCount,
        observations: at.observationCount,
        median: factors.varyingCount === 0 ? null : toReportNumber(factors.median),
        mean: Number.isNaN(factors.mean) ? null : factors.mean,
        chance: factors.chance,
        high: factors.varyingCount === 0 ? null : factors.highCount / factors.varyingCount,
        exact: factors.exactCount,
        constant: factors.constantCount,
        rank: at.inflation.rank,
      };
    }),
  };
}

/** Units and relations that are listed one by one. */
const shownCount = 30;

/** Returns the units that others explain best, those with a finite factor. */
export function unitTable(layers: readonly CollinearLayer[]): TableBlock {
  const all = layers.flatMap((at) =>
    [...at.inflation.factors].flatMap((factor, place) =>
      Number.isFinite(factor) ? [{ address: addressOf(at, place), factor }] : [],
    ),
  );
  const ranked = all.sort((a, b) => b.factor - a.factor);
  return {
    type: 'table',
    title: 'Most inflated units',
    columns: [
      { key: 'unit', label: 'Unit', kind: 'address' },
      { key: 'vif', label: 'VIF', kind: 'number' },
      {
        key: 'explained',
        label: 'R²',
        kind: 'percent',
        description: 'Share of its variance that others give.',
      },
    ],
    rows: ranked
      .slice(0, shownCount)
      .map(({ address, factor }) => ({ unit: address, vif: factor, explained: 1 - 1 / factor })),
    omittedRowCount: Math.max(0, ranked.length - shownCount),
  };
}

/** Returns the units that are combinations of others, where there are any. */
export function relationBlocks(layers: readonly CollinearLayer[]): TableBlock[] {
  const all = layers.flatMap((at) => at.inflation.relations.map((relation) => ({ at, relation })));
  if (all.length === 0) return [];
  return [
    {
      type: 'table',
      title: 'Exact combinations',
      columns: [
        { key: 'unit', label: 'Unit', kind: 'address' },
        { key: 'is', label: 'Is, but for a constant', kind: 'text' },
        { key: 'terms', label: 'Terms', kind: 'count' },
      ],
      rows: all.slice(0, shownCount).map(({ at, relation }) => ({
        unit: addressOf(at, relation.unit),
        is: combination(at, relation),
        terms: relation.terms.length,
      })),
      omittedRowCount: Math.max(0, all.length - shownCount),
    },
  ];
}

/** Terms that are written out. */
const shownTerms = 4;

/** Returns a combination in words: `2 × fc1[0] − 0.5 × fc1[3]`. */
export function combination(at: CollinearLayer, { terms }: Relation): string {
  const written = terms.slice(0, shownTerms).map(({ unit, factor }, index) => {
    const sign = factor < 0 ? '− ' : index === 0 ? '' : '+ ';
    return `${sign}${formatNumber(Math.abs(factor))} × ${addressOf(at, unit)}`;
  });
  return [...written, ...(terms.length > shownTerms ? ['…'] : [])].join(' ');
}

/** Returns the address of a unit by its place among those looked at. */
export function addressOf({ layer, units }: CollinearLayer, place: number): string {
  return formatAddress({ layer, unit: units[place] ?? place });
}
