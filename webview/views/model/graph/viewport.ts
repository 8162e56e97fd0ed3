import type { Point, Size } from './boxParts.js';

/** Which part of a drawing is seen: screen = world × zoom + (x, y). */
export interface Viewport {
  readonly x: number;
  readonly y: number;
  readonly zoom: number;
}

/** A rectangle of the drawing. */
export interface Area extends Point, Size {}

const smallestZoom = 0.04;
const largestZoom = 2.5;

/** At less than this text is not read, so the whole is not made smaller to fit. */
const readableZoom = 0.75;

/** Room left around what is fitted or brought into view. */
const margin = 16;

/** Returns how a drawing is first seen: all of it where it can be read then, else its beginning. */
export function fitted(drawing: Size, screen: Size, least = readableZoom): Viewport {
  const room = { width: screen.width - 2 * margin, height: screen.height - 2 * margin };
  const all = Math.min(1, room.width / drawing.width, room.height / drawing.height);
  const chosen = Math.max(smallestZoom, Math.min(1, Math.max(all, least)));
  const x = (screen.width - drawing.width * chosen) / 2;
  return { x, y: margin, zoom: chosen };
}

/** Returns the view with all of a drawing in it, however small. */
export function whole(drawing: Size, screen: Size): Viewport {
  return fitted(drawing, screen, 0);
}

/** Returns the view magnified by a factor, with a place of the screen staying where it is. */
export function zoomed(view: Viewport, factor: number, at: Point): Viewport {
  const zoom = Math.min(largestZoom, Math.max(smallestZoom, view.zoom * factor));
  const by = zoom / view.zoom;
  return { x: at.x - (at.x - view.x) * by, y: at.y - (at.y - view.y) * by, zoom };
}

/** Returns the view moved so that an area is in it, as little as is needed; one that does not fit shows its beginning. */
export function showing(view: Viewport, area: Area, screen: Size): Viewport {
  const left = area.x * view.zoom + view.x;
  const top = area.y * view.zoom + view.y;
  return {
    ...view,
    x: view.x + shift(left, area.width * view.zoom, screen.width),
    y: view.y + shift(top, area.height * view.zoom, screen.height),
  };
}

/** Returns the view with the middle of an area in its middle; one that does not fit shows its beginning. */
export function centred(view: Viewport, area: Area, screen: Size): Viewport {
  const middle = (start: number, size: number, room: number): number =>
    size * view.zoom > room - 2 * margin
      ? margin - start * view.zoom
      : room / 2 - (start + size / 2) * view.zoom;
  return {
    ...view,
    x: middle(area.x, area.width, screen.width),
    y: middle(area.y, area.height, screen.height),
  };
}

/** Returns the view moved so that a place of the drawing is on the screen where another was before. */
export function keeping(view: Viewport, before: Point, after: Point): Viewport {
  return {
    ...view,
    x: view.x + (before.x - after.x) * view.zoom,
    y: view.y + (before.y - after.y) * view.zoom,
  };
}

/** Returns the view on a screen of another size: what was in the middle of its width stays there, its top stays on top. */
export function resized(view: Viewport, before: Size, after: Size): Viewport {
  return { ...view, x: view.x + (after.width - before.width) / 2 };
}

/** Returns the part of the drawing that is seen. */
export function seen(view: Viewport, screen: Size): Area {
  return {
    x: -view.x / view.zoom,
    y: -view.y / view.zoom,
    width: screen.width / view.zoom,
    height: screen.height / view.zoom,
  };
}

function shift(start: number, size: number, room: number): number {
  if (start < margin || size > room - 2 * margin) return margin - start;
  const over = start + size - (room - margin);
  return over > 0 ? -over : 0;
}
