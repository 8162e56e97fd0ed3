import { type UserError } from '../base/errors.js';
import type { Dimension } from '../onnx/model.js';
import type { Color, FromSpec, InputSpec } from '../protocol/inspectFile.js';
import { layoutMismatch, shapeMismatch, typeMismatch } from './dataErrors.js';
import { type Resize, resizeOf } from './decodeImage.js';
import { fitShape } from './fitShape.js';
import { formatShape, type InputTarget } from './inputTargets.js';
import type { Normalisation } from './pixels.js';
import type { FieldInfo, Reading } from './sampleSource.js';

/** What brings the stored values of one input to what the model takes; every step is decided before data is read. */
export interface InputPlan {
  readonly target: InputTarget;
  readonly isConstant: boolean;
  /** Axes of one stored sample, and its sizes when a flat row must be cut up; absent when its axes do not matter. */
  readonly stored?: { readonly axes: string; readonly dims?: readonly number[] };
  /** Axes of one sample as the model takes it. */
  readonly modelAxes?: string;
  readonly color?: { readonly from: Color; readonly to: Color };
  readonly resize?: Resize;
  readonly normalisation?: Normalisation;
  /** What the inspect file says, with what was assumed filled in. */
  readonly spec: InputSpec;
  /** Phrases that follow "assumed". */
  readonly assumptions: readonly string[];
}

/** Brings levels 0–255 to 0–1. */
export const pixelScale = 1 / 255;

/**
 * Plans how one input is fed, from its inspect file or by assumptions, each of which is listed.
 *
 * @throws UserError when what is stored cannot become what the model takes, naming both and the remedy.
 */
export function planInput(target: InputTarget, field: FieldInfo, spec: InputSpec | undefined): InputPlan {
  checkDtype(target, spec);
  const modelAxes = axesOfModel(target, spec);
  const draft = { target, field, spec, modelAxes, assumptions: [] as string[] };
  const shaping = planShaping(draft);
  const normalisation = planNormalisation(draft);
  const from = spec?.from;
  return {
    target,
    isConstant: field.isConstant,
    ...shaping,
    ...(normalisation === undefined ? {} : { normalisation }),
    spec: {
      ...(from === undefined ? {} : { from }),
      ...shaping.spec,
      ...specOfNormalisation(spec, normalisation),
    },
    assumptions: draft.assumptions,
  };
}

interface Draft {
  readonly target: InputTarget;
  readonly field: FieldInfo;
  readonly spec: InputSpec | undefined;
  readonly modelAxes: string | undefined;
  readonly assumptions: string[];
}

type Shaping = Pick<InputPlan, 'stored' | 'modelAxes' | 'color' | 'resize' | 'spec'>;

function planShaping(draft: Draft): Shaping {
  const { target, field, spec, modelAxes } = draft;
  const layout = spec?.layout ?? `N${modelAxes ?? guessAxes(target.sampleShape) ?? ''}`;
  if (field.isImage) return planImage(draft);
  if (field.reading !== undefined) return planReading(draft, field.reading);
  const from = fromObject(spec?.from);
  const moves = from.layout !== undefined || spec?.color !== undefined || spec?.resize !== undefined;
  if (field.isConstant || !moves) {
    if (!field.isConstant) checkFit(draft, field.dims);
    const plainSpec = { layout, ...(spec?.color === undefined ? {} : { color: spec.color }) };
    return { ...(modelAxes === undefined ? {} : { modelAxes }), spec: plainSpec };
  }
  return planArray(draft, from);
}

/** The reader has planned already; what is left is the order of the axes. */
function planReading({ assumptions }: Draft, reading: Reading): Shaping {
  assumptions.push(...reading.assumptions);
  const { storedAxes, modelAxes, spec } = reading;
  return { stored: { axes: storedAxes }, modelAxes, spec };
}

function planImage(draft: Draft): Shaping {
  const { target, spec, assumptions } = draft;
  const axes = draft.modelAxes ?? guessAxes(target.sampleShape) ?? 'CHW';
  const wanted = sizesByAxis(axes, target.sampleShape);
  if (spec === undefined) assumptions.push(`layout N${axes}`);
  const channels = wanted.get('C') ?? (axes.includes('C') ? 3 : 1);
  if (channels !== 1 && channels !== 3) throw notImages(target);
  const to = spec?.color ?? (channels === 1 ? 'gray' : 'rgb');
  if (spec?.color === undefined) assumptions.push(`colour ${to}`);
  if ((to === 'gray') !== (channels === 1)) throw colorMismatch(target, { channels, to });
  const resize = planImageResize(draft, wanted);
  return {
    stored: { axes: 'HWC' },
    modelAxes: axes,
    color: { from: 'rgb', to },
    ...(resize === undefined ? {} : { resize }),
    spec: { layout: spec?.layout ?? `N${axes}`, color: to, ...resizeSpecOf(spec, resize) },
  };
}

function planImageResize(
  { field, spec, assumptions }: Draft,
  wanted: Map<string, number>,
): Resize | undefined {
  if (spec?.resize !== undefined) return resizeOf(spec.resize);
  const [height = 1, width = 1] = field.dims;
  const size = { height: wanted.get('H') ?? height, width: wanted.get('W') ?? width };
  if (size.height === height && size.width === width) return undefined;
  assumptions.push(`resize to ${size.height} × ${size.width} (height × width, stretched)`);
  return { ...size, fit: 'fill', method: 'linear' };
}

function resizeSpecOf(spec: InputSpec | undefined, resize: Resize | undefined): Pick<InputSpec, 'resize'> {
  if (spec?.resize !== undefined) return { resize: spec.resize };
  return resize === undefined ? {} : { resize: [resize.height, resize.width] };
}

function planArray(draft: Draft, from: FromObject): Shaping {
  const { target, field, spec } = draft;
  const { modelAxes } = draft;
  if (modelAxes === undefined || spec === undefined) throw new Error('Only an inspect file moves axes.');
  const axes = from.layout ?? modelAxes;
  const dims = storedDims(draft, { axes, modelAxes, from });
  if (dims.length !== axes.length) {
    throw layoutMismatch(
      `Input "${target.name}": "from.layout" ${axes} names ${axes.length} axes and the data has ${formatShape(field.dims)} per sample. Correct it in the .inspect.json.`,
      { input: target.name, dims },
    );
  }
  const color =
    spec.color === undefined ? undefined : { from: from.color ?? storedColor(axes, dims), to: spec.color };
  const resize = spec.resize === undefined ? undefined : resizeOf(spec.resize);
  return {
    stored: field.dims.length === axes.length ? { axes } : { axes, dims },
    modelAxes,
    ...(color === undefined ? {} : { color }),
    ...(resize === undefined ? {} : { resize }),
    spec: {
      layout: spec.layout,
      ...(spec.color === undefined ? {} : { color: spec.color }),
      ...(spec.resize === undefined ? {} : { resize: spec.resize }),
    },
  };
}

function storedColor(axes: string, dims: readonly number[]): Color {
  return (dims[axes.indexOf('C')] ?? 1) === 1 ? 'gray' : 'rgb';
}

/** Sizes of one stored sample: as it is, or as a flat row must be cut to become the model's shape. */
function storedDims(
  { target, field }: Draft,
  { axes, modelAxes, from }: { axes: string; modelAxes: string; from: FromObject },
): readonly number[] {
  if (from.shape !== undefined) return from.shape;
  if (field.dims.length !== 1 || axes.length === 1) return field.dims;
  const sizes = sizesByAxis(modelAxes, target.sampleShape);
  const open = Array.from(axes).filter((axis) => !sizes.has(axis));
  if (open.length === 0) return Array.from(axes, (axis) => sizes.get(axis) ?? 1);
  throw shapeMismatch(
    `Input "${target.name}": each sample is a flat row of ${String(field.dims[0])} numbers and the sizes of ${open.join(', ')} are open in the model. Add "shape" to "from" in the .inspect.json.`,
    { input: target.name, open },
  );
}

function planNormalisation({ target, field, spec, assumptions }: Draft): Normalisation | undefined {
  const { scale, mean, std } = spec ?? {};
  if (scale === undefined && mean === undefined && std === undefined) {
    const isFloat = target.elementType.startsWith('float') || target.elementType.startsWith('bfloat');
    if (!field.isPixels || !isFloat) return undefined;
    assumptions.push('pixel scale 0–1 (level / 255)');
    return { scale: pixelScale, mean: [0], std: [1] };
  }
  return { scale: scale ?? 1, mean: listOf(mean ?? 0), std: listOf(std ?? 1) };
}

function listOf(value: number | readonly number[]): readonly number[] {
  return typeof value === 'number' ? [value] : value;
}

function specOfNormalisation(
  spec: InputSpec | undefined,
  assumed: Normalisation | undefined,
): Partial<InputSpec> {
  const { scale, mean, std, dtype } = spec ?? {};
  const isWritten = scale !== undefined || mean !== undefined || std !== undefined;
  return {
    ...(isWritten || assumed === undefined ? {} : { scale: assumed.scale }),
    ...(scale === undefined ? {} : { scale }),
    ...(mean === undefined ? {} : { mean }),
    ...(std === undefined ? {} : { std }),
    ...(dtype === undefined ? {} : { dtype }),
  };
}

/** The parts of `from` that say how values lie. */
export type FromObject = Exclude<FromSpec, string | number>;

/** Returns `from` as an object; a bare name or index says nothing about layout. */
export function fromObject(from: FromSpec | undefined): FromObject {
  return typeof from === 'object' ? from : {};
}

function checkDtype(target: InputTarget, spec: InputSpec | undefined): void {
  if (target.elementType === 'undefined') {
    throw typeMismatch(
      `Input "${target.name}" takes no tensor but a sequence, map or optional, which data files cannot feed.`,
      { input: target.name },
    );
  }
  if (spec?.dtype === undefined || spec.dtype === target.elementType) return;
  throw typeMismatch(
    `Input "${target.name}": the .inspect.json says dtype ${spec.dtype}, and the model takes ${target.elementType}. Write "${target.elementType}", or leave "dtype" out.`,
    { input: target.name, dtype: spec.dtype },
  );
}

/** Axes of one sample by the inspect file, checked against the model's rank. */
function axesOfModel(
  { name, sampleShape, shape }: InputTarget,
  spec: InputSpec | undefined,
): string | undefined {
  if (spec === undefined) return undefined;
  const axes = spec.layout.replace('N', '');
  if (sampleShape === null || shape === null || axes.length === sampleShape.length) return axes;
  throw layoutMismatch(
    `Input "${name}": layout ${spec.layout} names ${axes.length + 1} axes, and the model takes ${formatShape(shape)}. Write one letter per axis in the .inspect.json.`,
    { input: name, layout: spec.layout },
  );
}

/** Returns the likely axes of one sample; channels are where the size is 1, 3 or 4. */
export function guessAxes(sampleShape: readonly Dimension[] | null): string | undefined {
  if (sampleShape === null) return undefined;
  const isChannels = (dim: Dimension | undefined) => dim === 1 || dim === 3 || dim === 4;
  switch (sampleShape.length) {
    case 0:
      return '';
    case 1:
      return 'C';
    case 2:
      return 'HW';
    case 3:
      return !isChannels(sampleShape[0]) && isChannels(sampleShape[2]) ? 'HWC' : 'CHW';
    case 4:
      return 'CDHW';
    default:
      return undefined;
  }
}

function sizesByAxis(axes: string, sampleShape: readonly Dimension[] | null): Map<string, number> {
  const sizes = new Map<string, number>();
  for (const [place, axis] of Array.from(axes).entries()) {
    const dim = sampleShape?.[place];
    if (typeof dim === 'number') sizes.set(axis, dim);
  }
  return sizes;
}

function checkFit({ target, spec, assumptions }: Draft, dims: readonly number[]): void {
  const fit = fitShape(dims, target.sampleShape);
  if (fit.kind !== 'fits') throw misfit(target, dims);
  const shape = target.sampleShape?.filter((dim) => dim !== 1) ?? [];
  const isCut =
    fit.isReshaped && (dims.length > 1 ? dims.filter((dim) => dim !== 1).length : shape.length) > 2;
  if (isCut && spec === undefined) {
    assumptions.push(`elements in the order of the model's axes, ${formatShape(target.sampleShape ?? [])}`);
  }
}

/** Returns the error for a sample that does not fit an input's shape, naming a wrong layout as such. */
export function misfit(target: InputTarget, dims: readonly number[]): UserError {
  const { name, sampleShape } = target;
  const want = formatShape(sampleShape ?? []);
  const detail = { input: name, want: sampleShape, have: dims };
  if (fitShape(dims, sampleShape).kind === 'permuted') {
    return layoutMismatch(
      `Input "${name}" takes ${want} per sample and the data has ${formatShape(dims)}: the same sizes in another order (wrong layout). Transpose the data, or write how it lies as "from": {"layout": "HWC"} (or "CHW") in an .inspect.json.`,
      detail,
    );
  }
  return shapeMismatch(
    `Input "${name}" takes ${want} per sample (${formatShape(target.shape ?? [])} with the batch axis) and the data has ${formatShape(dims)}. ${remedyFor(target, dims)}`,
    detail,
  );
}

function remedyFor({ sampleShape }: InputTarget, dims: readonly number[]): string {
  if (sampleShape?.length === 3 && dims.length === 3 && dims.some((dim) => dim === 3 || dim === 1)) {
    return 'If only channels or size differ, write "color" and "resize" for this input in an .inspect.json.';
  }
  return 'Give data of that shape, or choose the right columns or array with "from" in an .inspect.json.';
}

function notImages({ name, shape }: InputTarget): UserError {
  return shapeMismatch(
    `Input "${name}" takes ${formatShape(shape ?? [])}, which is no batch of images with 1 or 3 channels. Give arrays (.npz), or write its "layout" in an .inspect.json.`,
    { input: name, shape },
  );
}

function colorMismatch({ name }: InputTarget, { channels, to }: { channels: number; to: Color }): UserError {
  return shapeMismatch(
    `Input "${name}" takes ${channels} channel(s), which is not colour "${to}". Correct "color" or "layout" in the .inspect.json.`,
    { input: name, channels, color: to },
  );
}
