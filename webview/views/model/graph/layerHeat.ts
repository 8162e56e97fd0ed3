import type { LayerMetric } from '../../../../src/protocol/views/modelMessages.js';
import { formatNumber } from '../../../../src/protocol/formatReport.js';
import { t } from '../../../text.js';
import type { GraphItem, GraphTree, ItemId } from './graphTree.js';

/** How a metric looks on a box. */
export interface Heat {
  /** −1…1 on the scale's colours. */
  readonly share: number;
  /** The number in words. */
  readonly text: string;
}

/** The colours of a metric: the end of its scale, and whether that goes both ways. */
export interface HeatScale {
  readonly limit: number;
  readonly scale: 'sequential' | 'diverging';
}

/** Returns the scale that holds all numbers of a metric. */
export function heatScale({ values }: LayerMetric): HeatScale {
  const numbers = Object.values(values);
  const limit = numbers.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  return {
    limit: limit === 0 ? 1 : limit,
    scale: numbers.some((value) => value < 0) ? 'diverging' : 'sequential',
  };
}

/** Returns how a metric looks on each box; a module without a number of its own shows the largest inside. */
export function layerHeat(tree: GraphTree, metric: LayerMetric): ReadonlyMap<ItemId, Heat> {
  const { limit } = heatScale(metric);
  const heat = new Map<ItemId, Heat>();
  const largest = (item: GraphItem): number | undefined => {
    const inside = item.children.map((child) => largest(tree.item(child)));
    const own = ownValue(item, metric);
    const most = inside.reduce(furthest, undefined);
    const value = own ?? most;
    if (value !== undefined) {
      heat.set(item.id, { share: value / limit, text: words(value, metric, own === undefined) });
    }
    return furthest(own, most);
  };
  largest(tree.root);
  return heat;
}

function ownValue(item: GraphItem, { values }: LayerMetric): number | undefined {
  const layer = item.node?.layer ?? (item.kind === 'module' ? item.name : undefined);
  return layer === undefined || !Object.hasOwn(values, layer) ? undefined : values[layer];
}

function furthest(a: number | undefined, b: number | undefined): number | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  return Math.abs(a) >= Math.abs(b) ? a : b;
}

function words(value: number, { format, unit }: LayerMetric, isOfInside: boolean): string {
  const number = format === 'percent' ? percent(value) : formatNumber(value, format) + (unit && ` ${unit}`);
  return isOfInside ? t('up to {0}', number) : number;
}

/** As in badges, without decimals. */
function percent(share: number): string {
  const rounded = Math.round(share * 100);
  return rounded === 0 && share > 0 ? '< 1 %' : `${String(rounded)} %`;
}
