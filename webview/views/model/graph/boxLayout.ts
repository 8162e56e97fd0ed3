import type { ElkExtendedEdge, ElkNode, ElkPort } from 'elkjs/lib/elk-api.js';
import {
  type Point,
  type BoxLine,
  type BoxLayout,
  type BoxParts,
  titleHeight,
  padding,
  type DrawnEdge,
} from './boxParts.js';
import { splitBuses, withBuses } from './buses.js';
import { chainLayout } from './chainLayout.js';
import { type ItemId, rootId } from './graphTree.js';
import type { EdgeEnd } from './levelEdges.js';

/** Lays out a graph with sizes; the worker's ELK. */
export type LayOut = (graph: ElkNode) => Promise<ElkNode>;

const layeredOptions: Readonly<Record<string, string>> = {
  'elk.algorithm': 'layered',
  'elk.direction': 'DOWN',
  'elk.edgeRouting': 'ORTHOGONAL',
  'elk.spacing.nodeNode': '22',
  'elk.spacing.edgeNode': '12',
  'elk.spacing.edgeEdge': '8',
  'elk.layered.spacing.nodeNodeBetweenLayers': '26',
  'elk.layered.spacing.edgeNodeBetweenLayers': '12',
  'elk.layered.spacing.edgeEdgeBetweenLayers': '8',
  // The order of the file: what a person expects, and half of the work done.
  'elk.layered.considerModelOrder.strategy': 'NODES_AND_EDGES',
  'elk.layered.crossingMinimization.greedySwitch.type': 'OFF',
  'elk.layered.thoroughness': '3',
  'elk.layered.nodePlacement.bk.fixedAlignment': 'BALANCED',
  'elk.padding': `[top=${String(padding)},left=${String(padding)},bottom=${String(padding)},right=${String(padding)}]`,
};

/** Lays out what is directly inside a box; expanded children keep their own layout and their places on the border. */
export async function layoutBox(parts: BoxParts, layOut: LayOut): Promise<BoxLayout> {
  const { plain, buses } = splitBuses(parts, drawnEdges(parts));
  const layout = chainLayout(parts, plain) ?? (await elkLayout(parts, plain, layOut));
  return widened(withBuses(layout, buses, parts), parts);
}

/** Edges to a closed box end at the box, wherever inside they would go on to. */
function drawnEdges({ edges, layoutOf }: BoxParts): DrawnEdge[] {
  const shown = new Map<string, { keys: string[]; from: EdgeEnd; to: EdgeEnd }>();
  const closed = (end: EdgeEnd): EdgeEnd =>
    end.item !== undefined && layoutOf(end.item) === undefined ? { item: end.item, port: undefined } : end;
  for (const { key, from, to } of edges) {
    const [start, end] = [closed(from), closed(to)];
    const look = `${elkId(start)}>${elkId(end)}`;
    const known = shown.get(look);
    if (known === undefined) shown.set(look, { keys: [key], from: start, to: end });
    else known.keys.push(key);
  }
  return [...shown.values()];
}

function elkId({ item, port }: EdgeEnd): string {
  return `${item === undefined ? 'box' : `c${String(item)}`}${port === undefined ? '' : `:${port}`}`;
}

async function elkLayout(parts: BoxParts, edges: readonly DrawnEdge[], layOut: LayOut): Promise<BoxLayout> {
  const { box } = parts;
  const inside: ElkNode = {
    id: 'box',
    children: box.children.map((child) => elkChild(child, parts)),
    edges: edges.map(({ from, to }, index): ElkExtendedEdge => ({
      ...{ id: `e${String(index)}`, sources: [elkId(from)], targets: [elkId(to)] },
    })),
    layoutOptions: { ...layeredOptions },
  };
  if (box.id === rootId) return readLayout(await layOut(inside), edges);
  const ports = [...new Set(edges.flatMap(borderPorts))].map((port) => borderPort(port));
  const top = `[top=${String(titleHeight + padding)},left=${String(padding)},bottom=${String(padding)},right=${String(padding)}]`;
  const wrapped: ElkNode = {
    id: 'root',
    layoutOptions: { 'elk.algorithm': 'layered', 'elk.direction': 'DOWN' },
    children: [
      {
        ...inside,
        ports,
        layoutOptions: { ...layeredOptions, 'elk.portConstraints': 'FIXED_SIDE', 'elk.padding': top },
      },
    ],
  };
  const [laidOut] = (await layOut(wrapped)).children ?? [];
  if (laidOut === undefined) throw new Error('The layout lost its box.');
  return readLayout(laidOut, edges);
}

function borderPorts({ from, to }: DrawnEdge): string[] {
  return [from, to].flatMap(({ item, port }) => (item === undefined && port !== undefined ? [port] : []));
}

function borderPort(port: string): ElkPort {
  return { id: `box:${port}`, width: 0, height: 0, layoutOptions: { 'elk.port.side': sideOf(port) } };
}

/** Values come in at the top and leave at the bottom. */
function sideOf(port: string): string {
  return port.startsWith('i') ? 'NORTH' : 'SOUTH';
}

function elkChild(child: ItemId, { sizeOf, layoutOf }: BoxParts): ElkNode {
  const id = `c${String(child)}`;
  const layout = layoutOf(child);
  if (layout === undefined) return { id, ...sizeOf(child) };
  const ports = [...layout.ports].map(([port, { x, y }]): ElkPort => ({
    ...{ id: `${id}:${port}`, x, y, width: 0, height: 0 },
    layoutOptions: { 'elk.port.side': sideOf(port) },
  }));
  const { width, height } = layout;
  return { id, width, height, ports, layoutOptions: { 'elk.portConstraints': 'FIXED_POS' } };
}

function readLayout(laidOut: ElkNode, edges: readonly DrawnEdge[]): BoxLayout {
  const places = new Map<ItemId, Point>();
  for (const { id, x = 0, y = 0 } of laidOut.children ?? []) places.set(Number(id.slice(1)), { x, y });
  const ports = new Map<string, Point>();
  for (const { id, x = 0, y = 0 } of laidOut.ports ?? []) ports.set(id.slice('box:'.length), { x, y });
  const lines = (laidOut.edges ?? []).map((edge, index): BoxLine => {
    const [section] = edge.sections ?? [];
    const points =
      section === undefined ? [] : [section.startPoint, ...(section.bendPoints ?? []), section.endPoint];
    const drawn = edges[index];
    return { keys: drawn?.keys ?? [], points, hasArrow: endsHere(drawn?.to) };
  });
  return { width: laidOut.width ?? 0, height: laidOut.height ?? 0, places, ports, lines };
}

/** An edge goes on behind the border of this box and of an expanded one inside. */
function endsHere(to: EdgeEnd | undefined): boolean {
  return to?.item !== undefined && to.port === undefined;
}

/** Makes room for a title that is wider than what is inside, which stays in the middle. */
function widened(layout: BoxLayout, { titleWidth }: BoxParts): BoxLayout {
  const by = (titleWidth - layout.width) / 2;
  if (by <= 0) return layout;
  const shifted = ({ x, y }: Point): Point => ({ x: x + by, y });
  return {
    width: titleWidth,
    height: layout.height,
    places: new Map([...layout.places].map(([child, place]) => [child, shifted(place)])),
    ports: new Map([...layout.ports].map(([port, place]) => [port, shifted(place)])),
    lines: layout.lines.map((line) => ({ ...line, points: line.points.map(shifted) })),
  };
}
