import {
  type BoxLayout,
  type BoxLine,
  type BoxParts,
  type DrawnEdge,
  padding,
  type Point,
  titleHeight,
} from './boxParts.js';
import { type ItemId, rootId } from './graphTree.js';

/** Room between two things of a chain. */
const gap = 30;

/** Values that enter or leave a chain stand this far apart; more of them need a real layout. */
const borderGap = 14;
const mostAtBorder = 4;

/**
 * Returns the layout of a box whose children follow one another, one below the other: most models are such chains at the
 * top, and nothing is left to be found out about them. Undefined for anything else.
 */
export function chainLayout(parts: BoxParts, edges: readonly DrawnEdge[]): BoxLayout | undefined {
  const order = chainOrder(parts, edges);
  if (order === undefined) return undefined;
  const { box, sizeOf, layoutOf } = parts;
  const sizes = order.map((child) => layoutOf(child) ?? sizeOf(child));
  const inner = Math.max(...sizes.map(({ width }) => width));
  const places = new Map<ItemId, Point>();
  let y = padding + (box.id === rootId ? 0 : titleHeight);
  for (const [index, child] of order.entries()) {
    const { width, height } = sizes[index] ?? { width: 0, height: 0 };
    places.set(child, { x: padding + (inner - width) / 2, y });
    y += height + gap;
  }
  const width = inner + 2 * padding;
  const height = y - gap + padding;
  const ports = new Map<string, Point>();
  const entering = edges.flatMap(({ from }) => (from.item === undefined ? (from.port ?? []) : []));
  const leaving = edges.flatMap(({ to }) => (to.item === undefined ? (to.port ?? []) : []));
  for (const [index, port] of entering.entries()) {
    ports.set(port, { x: width / 2 + besideMiddle(index, entering.length), y: 0 });
  }
  for (const [index, port] of leaving.entries()) {
    ports.set(port, { x: width / 2 + besideMiddle(index, leaving.length), y: height });
  }
  const layout = { width, height, places, ports };
  return { ...layout, lines: edges.map((edge) => chainLine(edge, layout, parts)) };
}

/** Returns the children from first to last, if each but the ends has one before and one behind. */
function chainOrder({ box }: BoxParts, edges: readonly DrawnEdge[]): ItemId[] | undefined {
  const next = new Map<ItemId, ItemId>();
  const hasBefore = new Set<ItemId>();
  let borderCount = 0;
  for (const { from, to } of edges) {
    if (from.item === undefined || to.item === undefined) {
      borderCount++;
      continue;
    }
    if (next.has(from.item) || hasBefore.has(to.item)) return undefined;
    next.set(from.item, to.item);
    hasBefore.add(to.item);
  }
  const [first, other] = box.children.filter((child) => !hasBefore.has(child));
  if (first === undefined || other !== undefined) return undefined;
  const order: ItemId[] = [];
  for (let at: ItemId | undefined = first; at !== undefined; at = next.get(at)) order.push(at);
  if (order.length !== box.children.length) return undefined;
  return borderCount === 0 || bordersFit(order, edges) ? order : undefined;
}

/** Values enter the first and leave the last, no more than fit beside each other. */
function bordersFit(order: readonly ItemId[], edges: readonly DrawnEdge[]): boolean {
  const entering = edges.filter(({ from }) => from.item === undefined);
  const leaving = edges.filter(({ to }) => to.item === undefined);
  return (
    Math.max(entering.length, leaving.length) <= mostAtBorder &&
    entering.every(({ to }) => to.item === order[0]) &&
    leaving.every(({ from }) => from.item === order.at(-1))
  );
}

/** Returns how far from the middle the place of one of several is. */
function besideMiddle(index: number, count: number): number {
  return (index - (count - 1) / 2) * borderGap;
}

function chainLine(
  { keys, from, to }: DrawnEdge,
  layout: Pick<BoxLayout, 'width' | 'height' | 'places' | 'ports'>,
  parts: BoxParts,
): BoxLine {
  const start = endPoint(from, 'bottom', { layout, parts });
  const end = endPoint(to, 'top', { layout, parts });
  // Straight down from its place on the border, where what it leads to is wide enough.
  if (from.item === undefined && to.port === undefined) end.x += start.x - layout.width / 2;
  if (to.item === undefined && from.port === undefined) start.x += end.x - layout.width / 2;
  const middle = (start.y + end.y) / 2;
  const isStraight = Math.abs(start.x - end.x) < 0.5;
  const points = isStraight ? [start, end] : [start, { x: start.x, y: middle }, { x: end.x, y: middle }, end];
  return { keys, points, hasArrow: to.item !== undefined && to.port === undefined };
}

function endPoint(
  { item, port }: DrawnEdge['from'],
  side: 'top' | 'bottom',
  { layout, parts }: { layout: Pick<BoxLayout, 'places' | 'ports'>; parts: BoxParts },
): { x: number; y: number } {
  if (item === undefined) return { ...(layout.ports.get(port ?? '') ?? { x: 0, y: 0 }) };
  const place = layout.places.get(item) ?? { x: 0, y: 0 };
  const inner = parts.layoutOf(item);
  const onBorder = port === undefined ? undefined : inner?.ports.get(port);
  if (onBorder !== undefined) return { x: place.x + onBorder.x, y: place.y + onBorder.y };
  const { width, height } = inner ?? parts.sizeOf(item);
  return { x: place.x + width / 2, y: place.y + (side === 'top' ? 0 : height) };
}
