import type {
  Block,
  ChartBlock,
  OverlayBlock,
  TableBlock,
  TableCell,
  TokensBlock,
} from '../../../protocol/blocks.js';
import { toReportNumber } from '../../../protocol/reportNumbers.js';
import type { FollowedRow } from './followed.js';
import type { AttentionMap, HeadFigures } from './headFold.js';
import { positionLabels, tokenTexts } from './labels.js';
import type { AttentionFigures, ShownRow, SiteFigures } from './measure.js';
import { taxonomyOf, taxonomyWords } from './taxonomy.js';
import { vegaLiteSchema } from '../../shared/vegaLite.js';

/** Maps wider than this have no room for the names of their positions. */
const maxNamedPositions = 32;

/** Heat map values in one report, at most: JSON of a few megabytes. */
const maxMapValues = 200_000;

/** Returns the kinds of attention, one row each. */
export function siteTable(figures: AttentionFigures, hidden: readonly string[]): TableBlock {
  const rows = figures.sites.map((site) => ({
    name: site.site.name,
    kind: taxonomyWords(site.site.kind, taxonomyOf(site)),
    queries: site.queryCount,
    keys: site.keyCount,
    form: site.site.wasFused ? 'fused, written out to be read' : 'written out',
  }));
  const unread = hidden.map((name) => ({ name, kind: 'not read', queries: null, keys: null, form: 'fused' }));
  return {
    type: 'table',
    title: 'What attends',
    columns: [
      { key: 'name', label: 'Attention', kind: 'text' },
      { key: 'kind', label: 'Kind', kind: 'text' },
      { key: 'queries', label: 'Queries', kind: 'count' },
      { key: 'keys', label: 'Keys', kind: 'count' },
      { key: 'form', label: 'In the file', kind: 'text' },
    ],
    rows: [...rows, ...unread],
  };
}

/** Returns how many keys each head spreads its attention over, drawn over depth, and its table. */
export function headChart(figures: AttentionFigures): ChartBlock {
  const rows = figures.sites.flatMap((site) => site.heads.map((head, index) => headRow(site, head, index)));
  return {
    type: 'chart',
    title: 'How many keys each head looks at',
    alt: 'The effective number of keys of each head, layer by layer.',
    spec: {
      $schema: vegaLiteSchema,
      data: { values: rows },
      mark: { type: 'point', filled: true, tooltip: true },
      encoding: {
        x: { field: 'attention', type: 'nominal', sort: null, title: null },
        y: { field: 'keys', type: 'quantitative', title: 'Effective keys, exp(mean entropy)' },
        color: { field: 'head', type: 'nominal', title: 'Head' },
      },
    },
    table: {
      columns: [
        { key: 'attention', label: 'Attention', kind: 'text' },
        { key: 'head', label: 'Head', kind: 'count' },
        { key: 'keys', label: 'Effective keys', kind: 'number', description: 'exp of the mean entropy.' },
        { key: 'entropy', label: 'Entropy', kind: 'number', unit: 'nats' },
        { key: 'maximum', label: 'Largest weight', kind: 'percent', description: 'Mean over queries.' },
        { key: 'first', label: 'On the first key', kind: 'percent', description: 'Mean over queries.' },
        {
          key: 'own',
          label: 'On itself',
          kind: 'percent',
          description: 'Mean over queries; self-attention only.',
        },
        { key: 'distance', label: 'Mean distance', kind: 'number', unit: 'tokens' },
      ],
      rows,
    },
  };
}

function headRow(
  { site, queryCount, keyCount }: SiteFigures,
  head: HeadFigures,
  index: number,
): Record<string, TableCell> {
  const count = Math.max(1, head.queryCount);
  const isSquare = site.relation === 'self' && queryCount === keyCount;
  const entropy = head.entropySum / count;
  return {
    attention: site.name,
    head: index,
    keys: Math.exp(entropy),
    entropy,
    maximum: head.maximumSum / count,
    first: head.firstSum / count,
    own: isSquare ? head.ownSum / count : null,
    distance: isSquare ? head.distanceSum / count : null,
  };
}

/** Returns the maps of the rows that are shown: every head as a picture, the mean over heads with names where there is room. */
export function mapBlocks(figures: AttentionFigures): Block[] {
  const [row] = figures.shown;
  return figures.sites.flatMap((site): Block[] => {
    const [map] = site.maps;
    if (map === undefined) return [];
    if (map.queryCount === 1) return [weightChart(site, figures.shown)];
    const hasRoom = map.keyCount <= maxNamedPositions && map.queryCount <= maxNamedPositions;
    return [headMaps(site, row), ...(hasRoom ? [namedMap(site, map, row)] : [])];
  });
}

/** Weights of one query over its keys, row by row: past behaviours for a candidate, say. */
function weightChart({ site, maps }: SiteFigures, shown: readonly ShownRow[]): ChartBlock {
  const rows = maps.flatMap((map, row) => {
    const labels = positionLabels(shown[row], map.keyCount);
    return labels.flatMap((key, index) =>
      Array.from({ length: map.headCount }, (_, head) => {
        const weight = toReportNumber(map.weights[head * map.keyCount + index] ?? 0);
        return { row: shown[row]?.id ?? '', head, key, weight };
      }),
    );
  });
  return {
    type: 'chart',
    title: `${site.name}: weight of each key`,
    alt: `The weight that ${site.name} gives each key, for the rows that are shown.`,
    spec: {
      $schema: vegaLiteSchema,
      data: { values: rows },
      facet: { field: 'row', type: 'nominal', sort: null, title: 'Row' },
      columns: 2,
      resolve: { scale: { y: 'independent' } },
      spec: {
        mark: { type: 'bar', tooltip: true },
        encoding: {
          x: { field: 'weight', type: 'quantitative', aggregate: 'mean', title: 'Weight' },
          y: { field: 'key', type: 'nominal', sort: null, title: null },
        },
      },
    },
    table: {
      columns: [
        { key: 'row', label: 'Row', kind: 'text' },
        { key: 'head', label: 'Head', kind: 'count' },
        { key: 'key', label: 'Key', kind: 'text' },
        { key: 'weight', label: 'Weight', kind: 'number' },
      ],
      rows,
    },
  };
}

function headMaps({ site, maps }: SiteFigures, row: ShownRow | undefined): OverlayBlock {
  const [map] = maps;
  const size = (map?.queryCount ?? 0) * (map?.keyCount ?? 0);
  const count = Math.min(map?.headCount ?? 0, Math.max(1, Math.floor(maxMapValues / Math.max(1, size))));
  const items = Array.from({ length: count }, (_, head) => ({
    width: map?.keyCount ?? 1,
    height: map?.queryCount ?? 1,
    values: Array.from(map?.weights.subarray(head * size, (head + 1) * size) ?? [], (weight) =>
      toReportNumber(Number(weight.toPrecision(4))),
    ),
    caption: `Head ${head}`,
  }));
  return {
    type: 'overlay',
    title: `${site.name}: who looks where, row ${row?.id ?? ''}`,
    alt: `Heat maps of ${count} heads of ${site.name}: a line for each query, a column for each key.`,
    items,
    scale: 'sequential',
    limit: 1,
  };
}

function namedMap({ site }: SiteFigures, map: AttentionMap, row: ShownRow | undefined): ChartBlock {
  const { headCount, queryCount, keyCount, weights } = map;
  const [queries, keys] = [positionLabels(row, queryCount), positionLabels(row, keyCount)];
  const size = queryCount * keyCount;
  const rows = queries.flatMap((query, q) =>
    keys.map((key, k) => {
      let sum = 0;
      for (let head = 0; head < headCount; head++) sum += weights[head * size + q * keyCount + k] ?? 0;
      return { query, key, weight: toReportNumber(sum / headCount) };
    }),
  );
  return {
    type: 'chart',
    title: `${site.name}: mean over heads, row ${row?.id ?? ''}`,
    alt: `The attention of ${site.name}, the mean over its heads, by the names of positions.`,
    folded: true,
    spec: {
      $schema: vegaLiteSchema,
      data: { values: rows },
      mark: { type: 'rect', tooltip: true },
      encoding: {
        x: { field: 'key', type: 'nominal', sort: null, title: 'Key' },
        y: { field: 'query', type: 'nominal', sort: null, title: 'Query' },
        color: { field: 'weight', type: 'quantitative', title: 'Weight' },
      },
    },
    table: {
      columns: [
        { key: 'query', label: 'Query', kind: 'text' },
        { key: 'key', label: 'Key', kind: 'text' },
        { key: 'weight', label: 'Weight', kind: 'number' },
      ],
      rows,
    },
  };
}

/** Returns the tokens of each row that is shown, coloured by what reaches the last one through all layers. */
export function followedBlocks(followed: readonly FollowedRow[], shown: readonly ShownRow[]): TokensBlock[] {
  return followed.flatMap(({ rowId, tokenCount, query, rollout, flow }) => {
    const texts = tokenTexts(
      shown.find(({ id }) => id === rowId),
      tokenCount,
    );
    const tokens = (values: ArrayLike<number>): TokensBlock['tokens'] =>
      texts.map((text, token) => ({ text, value: toReportNumber(values[token] ?? 0) }));
    const line = rollout.subarray(query * tokenCount, (query + 1) * tokenCount);
    const block = (what: string, values: Float64Array): TokensBlock => ({
      type: 'tokens',
      title: `${what} to token ${query}, row ${rowId}`,
      alt: `Tokens coloured by ${what.toLowerCase()} to token ${query} through all layers.`,
      tokens: tokens(values),
      scale: 'sequential',
      limit: toReportNumber(Math.max(...values)),
    });
    return [block('Rollout', line), ...(flow === undefined ? [] : [block('Flow', flow)])];
  });
}
