import {
  type BoxLayout,
  type BoxLine,
  type BoxParts,
  type DrawnEdge,
  type Point,
  titleHeight,
} from './boxParts.js';
import type { ItemId } from './graphTree.js';
import type { EdgeEnd } from './levelEdges.js';

/**
 * Edges that pass many rows to the same place, or from it, as a mask that goes to every block does. Led through the rows
 * they would take the layout minutes; beside the drawing they are one line with branches.
 */
export interface Bus {
  readonly side: 'left' | 'right';
  readonly edges: readonly DrawnEdge[];
}

/** Edges of a box: those that are laid out, and those led beside the drawing. */
export interface SplitEdges {
  readonly plain: readonly DrawnEdge[];
  readonly buses: readonly Bus[];
}

/** Rows that the edges of one place may pass together before they become a bus: a residual connection is none. */
const mostPassedRows = 8;

/** Distance between two buses, and between a bus and what it is beside. */
const laneWidth = 10;

/** How far above a box a branch turns into it. */
const turnHeight = 9;

/** Returns which edges of a box are laid out and which are led beside it. */
export function splitBuses({ box }: Pick<BoxParts, 'box'>, edges: readonly DrawnEdge[]): SplitEdges {
  const rows = rowsOf(box.children, edges);
  const span = ({ from, to }: DrawnEdge): number => rows.to(to) - rows.from(from) - 1;
  const buses: Bus[] = [];
  let plain = edges;
  for (const side of ['left', 'right'] as const) {
    const byEnd = new Map<string, DrawnEdge[]>();
    for (const edge of plain) {
      const end = side === 'left' ? edge.from : edge.to;
      const key = `${String(end.item)} ${String(end.port)}`;
      byEnd.set(key, [...(byEnd.get(key) ?? []), edge]);
    }
    const beside = new Set<DrawnEdge>();
    for (const together of byEnd.values()) {
      const passed = together.reduce((sum, edge) => sum + Math.max(0, span(edge)), 0);
      if (passed <= mostPassedRows) continue;
      const long = together.filter((edge) => span(edge) > 0);
      // One is laid out, so that its place is next to where it goes.
      const kept = long.length === together.length && long.length > 1 ? nearest(long, span) : undefined;
      const led = long.filter((edge) => edge !== kept);
      buses.push({ side, edges: led });
      for (const edge of led) beside.add(edge);
    }
    plain = plain.filter((edge) => !beside.has(edge));
  }
  return { plain, buses };
}

function nearest(edges: readonly DrawnEdge[], span: (edge: DrawnEdge) => number): DrawnEdge | undefined {
  return edges.reduce((best, edge) => (span(edge) < span(best) ? edge : best));
}

interface Rows {
  readonly from: (end: EdgeEnd) => number;
  readonly to: (end: EdgeEnd) => number;
}

/** The row of each child in a drawing where every edge leads down: its distance from the top. */
function rowsOf(children: readonly ItemId[], edges: readonly DrawnEdge[]): Rows {
  const before = new Map<ItemId, ItemId[]>();
  for (const { from, to } of edges) {
    if (from.item === undefined || to.item === undefined) continue;
    before.set(to.item, [...(before.get(to.item) ?? []), from.item]);
  }
  const rows = new Map<ItemId, number>();
  const row = (item: ItemId): number => {
    const known = rows.get(item);
    if (known !== undefined) return known;
    // Modules may feed each other: whoever is being looked at counts as the top.
    rows.set(item, 0);
    const above = (before.get(item) ?? []).reduce((most, other) => Math.max(most, row(other) + 1), 0);
    rows.set(item, above);
    return above;
  };
  const last = children.reduce((most, child) => Math.max(most, row(child)), 0);
  return {
    from: ({ item }) => (item === undefined ? -1 : row(item)),
    to: ({ item }) => (item === undefined ? last + 1 : row(item)),
  };
}

/** Returns a layout with its buses beside it. */
export function withBuses(layout: BoxLayout, buses: readonly Bus[], parts: BoxParts): BoxLayout {
  if (buses.length === 0) return layout;
  const left = buses.filter(({ side }) => side === 'left');
  const right = buses.filter(({ side }) => side === 'right');
  const moved = shifted(layout, left.length * laneWidth, (left.length + right.length) * laneWidth);
  const borders = new Map(moved.ports);
  for (const [lane, { edges }] of left.entries()) {
    addPorts(borders, edges, { x: (lane + 0.5) * laneWidth, height: moved.height });
  }
  for (const [lane, { edges }] of right.entries()) {
    addPorts(borders, edges, { x: moved.width - (lane + 0.5) * laneWidth, height: moved.height });
  }
  const complete = { ...moved, ports: borders };
  const lines = [
    ...left.flatMap((bus, lane) => busLines(bus, (lane + 0.5) * laneWidth + 4, { layout: complete, parts })),
    ...right.flatMap((bus, lane) =>
      busLines(bus, moved.width - (lane + 0.5) * laneWidth - 4, { layout: complete, parts }),
    ),
  ];
  return { ...complete, lines: [...moved.lines, ...lines] };
}

/** A place on the border that only a bus leads to is at the bus. */
function addPorts(
  ports: Map<string, Point>,
  edges: readonly DrawnEdge[],
  { x, height }: { readonly x: number; readonly height: number },
): void {
  for (const { from, to } of edges) {
    if (from.item === undefined && from.port !== undefined && !ports.has(from.port)) {
      ports.set(from.port, { x, y: 0 });
    }
    if (to.item === undefined && to.port !== undefined && !ports.has(to.port)) {
      ports.set(to.port, { x, y: height });
    }
  }
}

function shifted(layout: BoxLayout, by: number, wider: number): BoxLayout {
  const move = ({ x, y }: Point): Point => ({ x: x + by, y });
  return {
    width: layout.width + wider,
    height: layout.height,
    places: new Map([...layout.places].map(([child, place]) => [child, move(place)])),
    ports: new Map([...layout.ports].map(([port, place]) => [port, move(place)])),
    lines: layout.lines.map((line) => ({ ...line, points: line.points.map(move) })),
  };
}

interface Placed {
  readonly layout: BoxLayout;
  readonly parts: BoxParts;
}

function busLines({ side, edges }: Bus, x: number, placed: Placed): BoxLine[] {
  return edges.map(({ keys, from, to }) => {
    const start = startPoints(from, side, placed);
    const end = endPoints(to, side, placed);
    const along = [start.at(-1), end[0]].map((point): Point => ({ x, y: point?.y ?? 0 }));
    const hasArrow = to.item !== undefined && to.port === undefined;
    return { keys, points: [...start, ...along, ...end], hasArrow };
  });
}

/** From a closed box its side leads to the bus, from an open one the place below it. */
function startPoints({ item, port }: EdgeEnd, side: Bus['side'], { layout, parts }: Placed): Point[] {
  if (item === undefined) {
    const place = layout.ports.get(port ?? '') ?? { x: 0, y: 0 };
    // Below the title of the box.
    return [place, { x: place.x, y: place.y + titleHeight + 3 }];
  }
  const place = layout.places.get(item) ?? { x: 0, y: 0 };
  const inner = parts.layoutOf(item);
  const { width, height } = inner ?? parts.sizeOf(item);
  const border = inner?.ports.get(port ?? '');
  if (border === undefined) return [{ x: place.x + (side === 'left' ? 0 : width), y: place.y + height / 2 }];
  const x = place.x + border.x;
  return [
    { x, y: place.y + height },
    { x, y: place.y + height + turnHeight },
  ];
}

function endPoints({ item, port }: EdgeEnd, side: Bus['side'], { layout, parts }: Placed): Point[] {
  if (item === undefined) {
    const place = layout.ports.get(port ?? '') ?? { x: 0, y: layout.height };
    return [{ x: place.x, y: place.y - turnHeight }, place];
  }
  const place = layout.places.get(item) ?? { x: 0, y: 0 };
  const inner = parts.layoutOf(item);
  const { width, height } = inner ?? parts.sizeOf(item);
  const border = inner?.ports.get(port ?? '');
  if (border === undefined) return [{ x: place.x + (side === 'left' ? 0 : width), y: place.y + height / 2 }];
  const x = place.x + border.x;
  return [
    { x, y: place.y - turnHeight },
    { x, y: place.y },
  ];
}
