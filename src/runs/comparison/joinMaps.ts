import { resize } from '../../engine/numeric/resize.js';
import type { CompareBlock, OverlayBlock } from '../../protocol/blocks.js';
import { isKnownBlock } from '../../protocol/knownBlocks.js';
import type { Report } from '../../protocol/report.js';
import { toReportNumber } from '../../protocol/reportNumbers.js';
import { comparedParts } from './joinParts.js';
import type { Sides } from './sides.js';

type Item = OverlayBlock['items'][number];

/**
 * Returns the heat maps of both reports of the same inputs, in pairs to wipe between. Scores of one method share their
 * scale; those of two methods are counted in units of their own, so each map is divided by its largest size.
 */
export function comparedMaps(sides: Sides): CompareBlock[] {
  const { before, after, names } = sides;
  const [old] = overlaysOf(before);
  const [now] = overlaysOf(after);
  if (old === undefined || now === undefined || old.scale !== now.scale) return [];
  const isSameUnit = before.settings['method'] === after.settings['method'] && old.unit === now.unit;
  const [oldLimit, nowLimit] = [Number(old.limit), Number(now.limit)];
  const found = sameInputs(old, now);
  const items = found.map(({ item, other }) => {
    const [left, right] = isSameUnit
      ? [other.values, item.values]
      : [divided(other, oldLimit), divided(item, nowLimit)];
    return pairOf(
      [
        { ...other, values: left },
        { ...item, values: right },
      ],
      names,
    );
  });
  if (items.length === 0) return [];
  const parts = comparedParts(found.map(({ index, place }) => [partsIn(old, place), partsIn(now, index)]));
  return [
    {
      type: 'compare',
      title: 'The same inputs, side by side',
      alt: `${String(items.length)} inputs, each with the map of ${names[0]} and that of ${names[1]} on top of each other.`,
      items,
      scale: now.scale,
      limit: isSameUnit ? toReportNumber(Math.max(oldLimit, nowLimit)) : 1,
      ...(isSameUnit
        ? now.unit === undefined
          ? {}
          : { unit: now.unit }
        : { unit: 'of each report’s largest score' }),
      ...(parts === undefined ? {} : { parts }),
    },
  ];
}

/** Pairs of items of the same input, and their places among the items. */
function sameInputs(old: OverlayBlock, now: OverlayBlock) {
  return now.items.flatMap((item, index) => {
    const place = old.items.findIndex(({ caption }) => idOf(caption) === idOf(item.caption));
    const other = old.items[place];
    return other === undefined ? [] : [{ item, other, index, place }];
  });
}

function partsIn({ parts }: OverlayBlock, item: number) {
  return parts === undefined ? undefined : { parts, item };
}

function overlaysOf(report: Report): OverlayBlock[] {
  return report.blocks.filter(isKnownBlock).filter((block) => block.type === 'overlay');
}

/** Captions begin with what the sample is called; what the models made of it may differ. */
function idOf(caption: string): string {
  return caption.split(' · ')[0] ?? caption;
}

function divided({ values }: Item, limit: number): Item['values'] {
  if (!(limit > 0)) return values;
  return values.map((value) => toReportNumber(Number((Number(value) / limit).toPrecision(4))));
}

/** Maps of unequal size, as those of two layers, are brought to the larger one. */
function pairOf([left, right]: readonly [Item, Item], names: Sides['names']): CompareBlock['items'][number] {
  const width = Math.max(left.width, right.width);
  const height = Math.max(left.height, right.height);
  const side = (item: Item, label: string): CompareBlock['items'][number]['sides'][number] => ({
    label,
    ...(item.base === undefined ? {} : { base: item.base }),
    values: enlarged(item, [height, width]),
  });
  return {
    width,
    height,
    caption: left.caption === right.caption ? right.caption : `${left.caption} → ${right.caption}`,
    sides: [side(left, names[0]), side(right, names[1])],
  };
}

function enlarged(
  { values, width, height }: Item,
  [toHeight, toWidth]: readonly [number, number],
): Item['values'] {
  if (width === toWidth && height === toHeight) return values;
  const numbers = Float64Array.from(values, Number);
  return [...resize(numbers, [height, width], [toHeight, toWidth], 'nearest')].map(toReportNumber);
}
