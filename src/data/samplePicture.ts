import { encodePng } from '../base/png.js';
import { elementCountOf, toFloat64 } from '../onnx/tensorValue.js';
import type { Picture } from '../protocol/blocks.js';
import { drawWaveform } from './audio/waveform.js';
import { decodeImage, resizeImage } from './decodeImage.js';
import { fitShape } from './fitShape.js';
import type { InputPlan } from './inputPlan.js';
import { pngPicture, stretchedLevels } from './picture.js';
import { type AxisArray, convertColor, reorderAxes } from './pixels.js';
import type { FieldInfo, RawValue } from './sampleSource.js';

/** One input of one sample, as stored, and how it is fed. */
export interface StoredInput {
  readonly raw: RawValue;
  readonly plan: InputPlan;
  readonly field: FieldInfo;
}

/**
 * Returns a stored sample as a person recognises it: cut and resized as the model sees it, so that maps lie on it, but in
 * its own levels and in RGB or grey; sounds as waveforms. Undefined for anything else.
 *
 * @throws UserError when it cannot be decoded, naming it.
 */
export async function samplePicture(
  input: StoredInput,
  options: { readonly maxSide: number; readonly alt: string },
): Promise<Picture | undefined> {
  const sound = soundPicture(input, options);
  if (sound !== undefined) return sound;
  const stored = await storedImage(input);
  if (stored === undefined) return undefined;
  const { color, resize, target } = input.plan;
  const seen = color?.to === 'gray' ? 'gray' : 'rgb';
  let image = color === undefined ? stored : convertColor(stored, color.from, seen);
  image = reorderAxes(image, 'HWC');
  if (resize !== undefined) image = await resizeImage(image, resize, target.name);
  image = { ...image, numbers: levelsOf(image.numbers, input.raw.kind === 'image' || input.field.isPixels) };
  return toPicture(await fitted(image, options.maxSide, target.name), options.alt);
}

/** The first channel of a sound as a waveform. */
function soundPicture(
  { raw, field }: StoredInput,
  { maxSide, alt }: { readonly maxSide: number; readonly alt: string },
): Picture | undefined {
  if (raw.kind !== 'array' || field.reading?.storedAxes !== 'CT') return undefined;
  const frames = toFloat64(raw).subarray(0, raw.dims[1]);
  const { width, height, values } = drawWaveform(frames, maxSide);
  return pngPicture(encodePng(width, height, Uint8Array.from(values), 1), {
    width,
    height,
    alt: `Waveform of ${alt}`,
  });
}

async function storedImage({ raw, plan, field }: StoredInput): Promise<AxisArray | undefined> {
  if (raw.kind === 'image') return decodeImage(raw.content, raw.name);
  if (raw.dtype === 'string' || plan.isConstant) return undefined;
  const shape = imageShapeOf(raw.dims, plan, field);
  if (shape === undefined || elementCountOf(shape.dims) !== raw.data.length) return undefined;
  return { ...shape, numbers: toFloat64(raw) };
}

/** Smaller sides are no picture, but columns that happen to come in threes. */
const minGuessedSide = 4;

/** Axes of a stored array, when they are those of a picture: by the inspect file, else where little else is possible. */
function imageShapeOf(
  rawDims: readonly number[],
  { stored, modelAxes, target }: InputPlan,
  { isPixels }: FieldInfo,
): Pick<AxisArray, 'axes' | 'dims'> | undefined {
  if (stored !== undefined) return asImage(stored.axes, stored.dims ?? rawDims);
  const fit = fitShape(rawDims, target.sampleShape);
  const fed = fit.kind === 'fits' && !fit.isReshaped ? fit.dims : rawDims;
  const written = modelAxes === undefined ? undefined : asImage(modelAxes, fed);
  if (written !== undefined) return written;
  if (isPixels && rawDims.length === 2) return { axes: 'HW', dims: rawDims };
  if (modelAxes !== undefined && !isPixels) return undefined;
  const guesses = ['CHW', 'HWC'].map((axes) => asImage(axes, fed));
  return guesses.find((guess) => guess?.dims.every((dim) => dim === 1 || dim === 3 || dim >= minGuessedSide));
}

function asImage(axes: string, dims: readonly number[]): Pick<AxisArray, 'axes' | 'dims'> | undefined {
  if (axes.length !== dims.length || !axes.includes('H') || !axes.includes('W')) return undefined;
  const isImage = Array.from(axes).every((axis, place) => {
    const dim = dims[place] ?? 0;
    return axis === 'H' || axis === 'W' ? dim > 0 : axis === 'C' ? dim === 1 || dim === 3 : dim === 1;
  });
  return isImage ? { axes, dims } : undefined;
}

/** Levels 0–255: as they are, from 0–1, or else the numbers' own range stretched. */
function levelsOf(numbers: Float64Array, arePixels: boolean): Float64Array {
  const isWithin = (high: number): boolean => numbers.every((number) => number >= 0 && number <= high);
  if (arePixels) return numbers;
  if (isWithin(1)) return numbers.map((number) => Math.round(number * 255));
  if (isWithin(255) && numbers.every(Number.isInteger)) return numbers;
  return Float64Array.from(stretchedLevels(numbers));
}

/** Shrinks what is longer than `maxSide`, keeping its shape. */
async function fitted(image: AxisArray, maxSide: number, input: string): Promise<AxisArray> {
  const [height = 1, width = 1] = image.dims;
  const scale = maxSide / Math.max(height, width);
  if (scale >= 1) return image;
  const size = (side: number): number => Math.max(1, Math.round(side * scale));
  const resize = { height: size(height), width: size(width), fit: 'fill', method: 'linear' } as const;
  return resizeImage(image, resize, input);
}

function toPicture({ dims, numbers }: AxisArray, alt: string): Picture {
  const [height = 1, width = 1, channels] = dims;
  const channelCount = channels === 3 ? 3 : 1;
  return pngPicture(encodePng(width, height, Uint8Array.from(numbers), channelCount), { width, height, alt });
}
