import type { Point } from './boxParts.js';

/** How far corners are rounded, and how large arrows are. */
const cornerRadius = 5;
const arrowLength = 6;

/** Returns a line with rounded corners, and an arrow at its end, as the data of an SVG path. */
export function linePath(points: readonly Point[], hasArrow: boolean): string {
  const [first, ...rest] = points;
  if (first === undefined) return '';
  let path = `M${at(first)}`;
  for (const [index, point] of rest.entries()) {
    const before = points[index] ?? first;
    const after = points[index + 2];
    path += after === undefined ? `L${at(point)}` : corner(before, point, after);
  }
  const last = points.at(-1);
  const previous = points.at(-2);
  return hasArrow && last !== undefined && previous !== undefined ? path + arrow(previous, last) : path;
}

function corner(before: Point, point: Point, after: Point): string {
  return `L${at(towards(point, before, cornerRadius))}Q${at(point)} ${at(towards(point, after, cornerRadius))}`;
}

function arrow(from: Point, to: Point): string {
  const length = Math.hypot(to.x - from.x, to.y - from.y) || 1;
  const [x, y] = [((to.x - from.x) / length) * arrowLength, ((to.y - from.y) / length) * arrowLength];
  const side = (turn: 1 | -1): Point => ({
    x: to.x - x + turn * y * 0.55,
    y: to.y - y - turn * x * 0.55,
  });
  return `M${at(side(1))}L${at(to)}L${at(side(-1))}`;
}

/** The place on the way to another, at most half of it away. */
function towards(from: Point, to: Point, distance: number): Point {
  const length = Math.hypot(to.x - from.x, to.y - from.y);
  const share = length === 0 ? 0 : Math.min(0.5, distance / length);
  return { x: from.x + (to.x - from.x) * share, y: from.y + (to.y - from.y) * share };
}

function at({ x, y }: Point): string {
  return `${x.toFixed(1)} ${y.toFixed(1)}`;
}
