import { UserError } from '../../../base/errors.js';
import { argmax } from '../../../engine/numeric/vectors.js';
import type { Feeds } from '../../../engine/runtime/session.js';
import { elementCountOf, type TensorValue, toFloat64 } from '../../../onnx/tensorValue.js';
import type { AttributionSettings } from './settings.js';

/** Which element of the output is explained in each row. */
export interface Targets {
  /** Index on the class axis, per row. */
  readonly classes: readonly number[];
  /** The class each row is predicted as, at its position. */
  readonly predicted: readonly number[];
  /** Full index per row, row axis left out. */
  readonly indices: readonly (readonly number[])[];
  readonly classCount: number;
  /** Where in the output, in words; undefined when there are no positions. */
  readonly where: string | undefined;
  /** What an index of the class axis is: a step where the output is a number for each step of a signal. */
  readonly noun: 'class' | 'step';
}

/**
 * Chooses the explained element of `[N]`, `[N, C]`, `[N, T, C]` or `[N, C, …positions]` outputs.
 *
 * The class axis is the last, or axis 1 of outputs with four axes and more. `[N, T, C]` defaults to each row's last
 * unmasked token.
 *
 * `stepCount` is the length of the signal that is explained, where it is one.
 *
 * @throws UserError for a target outside the class axis, or a missing, misshapen or outside position.
 */
export function chooseTargets(
  output: TensorValue,
  settings: Pick<AttributionSettings, 'target' | 'position'>,
  { feeds, stepCount }: { readonly feeds: Feeds; readonly stepCount?: number | undefined },
): Targets {
  const rowDims = output.dims.slice(1);
  const rowCount = output.dims[0] ?? 1;
  const classAxis = rowDims.length >= 3 ? 0 : rowDims.length - 1;
  const positionDims = rowDims.filter((_, axis) => axis !== classAxis);
  const classCount = rowDims[classAxis] ?? 1;
  const positions = choosePositions(positionDims, { rowCount, text: settings.position, feeds });
  const elements = toFloat64(output);
  const size = elementCountOf(rowDims);
  const indexOf = (row: number, unit: number): number[] => {
    if (rowDims.length === 0) return [];
    const position = positions[row] ?? [];
    return [...position.slice(0, classAxis), unit, ...position.slice(classAxis)];
  };
  const scoreOf = (row: number, unit: number): number =>
    elements[row * size + indexOf(row, unit).reduce((flat, at, i) => flat * (rowDims[i] ?? 1) + at, 0)] ??
    NaN;
  const units = Array.from({ length: classCount }, (_, unit) => unit);
  const predicted = Array.from({ length: rowCount }, (_, row) =>
    argmax(units.map((unit) => scoreOf(row, unit))),
  );
  const classes =
    settings.target === 'argmax' ? predicted : predicted.map(() => parseTarget(settings.target, classCount));
  return {
    classes,
    predicted,
    classCount,
    indices: classes.map((unit, row) => indexOf(row, unit)),
    where: describe(positions, settings.position),
    noun: rowDims.length === 1 && classCount > 1 && classCount === stepCount ? 'step' : 'class',
  };
}

function parseTarget(text: string, classCount: number): number {
  const target = /^\d+$/.test(text.trim()) ? Number(text) : NaN;
  if (target < classCount) return target;
  throw new UserError(
    'unknown-target',
    `target=${text} is no class of the output, which has ${String(classCount)}. Give a number from 0 to ${String(classCount - 1)}, or argmax.`,
    { detail: { target: text, classCount } },
  );
}

interface PositionRequest {
  readonly rowCount: number;
  readonly text: string | null;
  readonly feeds: Feeds;
}

function choosePositions(dims: readonly number[], request: PositionRequest): readonly (readonly number[])[] {
  const { rowCount, text } = request;
  const rows = Array.from({ length: rowCount }, (_, row) => row);
  if (dims.length === 0) {
    if (text === null) return rows.map(() => []);
    throw positionError(text, 'the output has no axes besides the rows and classes. Leave position out.');
  }
  if (text === null) {
    if (dims.length === 1) return lastUnmasked(request, dims[0] ?? 1);
    throw new UserError(
      'position-missing',
      `The output has ${String(dims.length)} position axes (${dims.join(' × ')}). Set position to one element, e.g. position=${dims.map((dim) => Math.floor(dim / 2)).join(',')}.`,
    );
  }
  const position = parsePosition(text, dims);
  return rows.map(() => position);
}

/** Parses a position against position axes; negative numbers count from the end. */
export function parsePosition(text: string, dims: readonly number[]): number[] {
  const parts = text.split(',').map((part) => (/^\s*-?\d+\s*$/.test(part) ? Number(part) : NaN));
  if (parts.some(Number.isNaN) || parts.length !== dims.length) {
    throw positionError(
      text,
      `it needs ${String(dims.length)} integers, one per position axis (${dims.join(' × ')}).`,
    );
  }
  return parts.map((part, axis) => {
    const size = dims[axis] ?? 1;
    const index = part < 0 ? size + part : part;
    if (index >= 0 && index < size) return index;
    throw positionError(text, `${String(part)} is outside an axis of ${String(size)}.`);
  });
}

function positionError(text: string, problem: string): UserError {
  return new UserError('wrong-position', `position=${text} does not fit: ${problem}`, {
    detail: { position: text },
  });
}

function lastUnmasked({ rowCount, feeds }: PositionRequest, length: number): readonly (readonly number[])[] {
  const mask = feeds['attention_mask'] ?? feeds['mask'];
  const isUsable = mask?.dims.length === 2 && mask.dims[1] === length;
  const flags = isUsable ? toFloat64(mask) : undefined;
  return Array.from({ length: rowCount }, (_, row) => {
    const last = flags?.subarray(row * length, (row + 1) * length).findLastIndex((flag) => flag !== 0) ?? -1;
    return [last >= 0 ? last : length - 1];
  });
}

function describe(positions: readonly (readonly number[])[], text: string | null): string | undefined {
  const [first] = positions;
  if (first === undefined || first.length === 0) return undefined;
  return text === null ? 'the last unmasked token' : `position ${first.join(', ')}`;
}
