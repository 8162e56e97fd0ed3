import { UserError } from '../../../base/errors.js';

/** A half-open range of one axis. */
export interface Range {
  readonly start: number;
  readonly end: number;
}

/**
 * Returns the windows along one axis: starts at multiples of the stride until the edge is covered, the last one cut there.
 */
export function windowsAlong(length: number, size: number, stride: number): Range[] {
  const windows: Range[] = [];
  for (let start = 0; ; start += stride) {
    const end = Math.min(length, start + size);
    windows.push({ start, end });
    if (end === length) return windows;
  }
}

/** Returns every combination of the axes' windows, the last axis fastest. */
export function windowGrid(axes: readonly (readonly Range[])[]): Range[][] {
  return axes.reduce<Range[][]>(
    (grid, windows) => grid.flatMap((ranges) => windows.map((window) => [...ranges, window])),
    [[]],
  );
}

/**
 * Returns the windows that cover positions of these lengths, and their shape.
 *
 * @throws UserError as `windowShape` does.
 */
export function windowGridOf(
  positions: readonly number[],
  settings: Parameters<typeof windowShape>[1],
): { readonly shape: WindowShape; readonly windows: Range[][] } {
  const shape = windowShape(positions, settings);
  const windows = windowGrid(
    positions.map((length, axis) => windowsAlong(length, shape.sizes[axis] ?? 1, shape.strides[axis] ?? 1)),
  );
  return { shape, windows };
}

/**
 * Calls `visit` with the flat index of every element of a row inside a window.
 *
 * `dims` are the row's; `axes` say which of them the ranges stand for, all other axes are covered whole.
 */
export function forEachInWindow(
  dims: readonly number[],
  axes: readonly number[],
  ranges: readonly Range[],
  visit: (index: number) => void,
): void {
  const bounds = dims.map((dim, axis): Range => ranges[axes.indexOf(axis)] ?? { start: 0, end: dim });
  const walk = (axis: number, offset: number): void => {
    const bound = bounds[axis];
    if (bound === undefined) {
      visit(offset);
      return;
    }
    for (let i = bound.start; i < bound.end; i++) walk(axis + 1, offset * (dims[axis] ?? 1) + i);
  };
  walk(0, 0);
}

/** Size and stride of occlusion windows per position axis. */
export interface WindowShape {
  readonly sizes: readonly number[];
  readonly strides: readonly number[];
}

/**
 * Returns the window for an input with the given position axes.
 *
 * Default: one element for tables (no channel axis), one position for sequences up to 256 and 1/256 of longer ones, an
 * eighth of each side for images; strides of half a window, rounded up.
 *
 * @throws UserError when the window has the wrong number of sizes, is larger than the input, or the stride leaves gaps.
 */
export function windowShape(
  positions: readonly number[],
  settings: { readonly window: string | null; readonly stride: string | null; readonly hasChannels: boolean },
): WindowShape {
  const sizes =
    perAxis('window', settings.window, positions) ??
    positions.map((length) => defaultSize(length, positions.length, settings.hasChannels));
  const strides = perAxis('stride', settings.stride, positions) ?? sizes.map((size) => Math.ceil(size / 2));
  for (const [axis, size] of sizes.entries()) {
    const length = positions[axis] ?? 1;
    if (size > length) {
      throw wrong(
        'window-too-large',
        `window=${String(size)} is larger than the input’s ${String(length)} positions. Choose a window of at most ${String(length)}.`,
      );
    }
    if ((strides[axis] ?? 1) > size) {
      throw wrong(
        'stride-leaves-gaps',
        `stride=${String(strides[axis])} is larger than window=${String(size)}, so some positions would never be covered. Choose a stride of at most ${String(size)}.`,
      );
    }
  }
  return { sizes, strides };
}

function defaultSize(length: number, axisCount: number, hasChannels: boolean): number {
  // Neighbouring columns of a table have nothing to do with each other.
  if (!hasChannels) return axisCount === 1 ? 1 : Math.max(1, Math.round(length / 8));
  return axisCount === 1 ? Math.ceil(length / 256) : Math.max(1, Math.round(length / 8));
}

function perAxis(name: string, text: string | null, positions: readonly number[]): number[] | undefined {
  if (text === null) return undefined;
  const numbers = text.split(',').map((part) => (/^\s*\d+\s*$/.test(part) ? Number(part) : 0));
  if (numbers.some((number) => number < 1)) {
    throw wrong(
      'not-a-size',
      `${name}=${text} is not a size. Give positive integers, e.g. ${name}=3 or ${name}=3,5.`,
    );
  }
  const [first = 1] = numbers;
  if (numbers.length === 1) return positions.map(() => first);
  if (numbers.length === positions.length) return numbers;
  throw wrong(
    'wrong-axis-count',
    `${name}=${text} names ${String(numbers.length)} axes but the input has ${String(positions.length)} position axes. Give one number, or ${String(positions.length)}.`,
  );
}

function wrong(code: string, message: string): UserError {
  return new UserError(code, message);
}
