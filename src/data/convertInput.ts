import type { TensorData } from '../onnx/tensorValue.js';
import { toFloat64 } from '../onnx/tensorValue.js';
import { castElements } from './castElements.js';
import { shapeMismatch, typeMismatch } from './dataErrors.js';
import { decodeImage, resizeImage } from './decodeImage.js';
import { fitShape } from './fitShape.js';
import { type InputPlan, misfit } from './inputPlan.js';
import { type AxisArray, convertColor, normalise, reorderAxes } from './pixels.js';
import type { RawValue } from './sampleSource.js';

/** One sample of one input, ready to be put into a batch. */
export interface ConvertedInput {
  /** Without the batch axis; the whole shape for constants. */
  readonly dims: readonly number[];
  readonly data: TensorData;
}

/**
 * Carries out a plan on one stored sample.
 *
 * @throws UserError when it cannot be decoded, has another shape, or holds values that the input's type cannot.
 */
export async function convertInput(plan: InputPlan, raw: RawValue, sample: string): Promise<ConvertedInput> {
  const { target } = plan;
  const origin = { input: target.name, sample };
  if (raw.kind === 'array' && isUntouched(plan)) {
    const dims = plan.isConstant ? raw.dims : fittedDims(plan, raw.dims);
    if (raw.dtype === target.elementType) return { dims, data: raw.data };
    return { dims, data: castElements(numbersOf(raw, plan, sample), target.elementType, origin) };
  }
  const shaped = await shape(plan, raw, sample);
  const dims = fittedDims(plan, shaped.dims);
  const numbers = normalised(plan, { ...shaped, dims });
  return { dims, data: castElements(numbers, target.elementType, origin) };
}

function isUntouched({ stored, normalisation }: InputPlan): boolean {
  return stored === undefined && normalisation === undefined;
}

async function shape(plan: InputPlan, raw: RawValue, sample: string): Promise<AxisArray> {
  const { stored, modelAxes, color, resize, target } = plan;
  let value = await storedPixels(plan, raw, sample);
  if (stored === undefined || modelAxes === undefined) return value;
  if (color !== undefined) value = convertColor(value, color.from, color.to);
  if (resize !== undefined) value = await resizeImage(reorderAxes(value, 'HWC'), resize, target.name);
  try {
    return reorderAxes(value, modelAxes);
  } catch (cause) {
    if (cause instanceof RangeError) throw misfit(target, value.dims);
    throw cause;
  }
}

async function storedPixels(plan: InputPlan, raw: RawValue, sample: string): Promise<AxisArray> {
  if (raw.kind === 'image') return decodeImage(raw.content, raw.name);
  const { stored, target } = plan;
  const numbers = numbersOf(raw, plan, sample);
  const dims = stored?.dims ?? raw.dims;
  if (dims.reduce((product, dim) => product * dim, 1) !== numbers.length) {
    throw shapeMismatch(
      `Input "${target.name}": sample ${sample} has ${numbers.length} numbers, which do not fill [${dims.join(', ')}]. Correct "from" in the .inspect.json.`,
      { input: target.name, sample },
    );
  }
  return { axes: stored?.axes ?? '', dims, numbers };
}

function numbersOf(raw: RawValue, { target }: InputPlan, sample: string): Float64Array {
  if (raw.kind === 'array' && raw.dtype !== 'string') return toFloat64(raw);
  throw typeMismatch(
    `Input "${target.name}" takes ${target.elementType}, and sample ${sample} is text. Give numbers.`,
    { input: target.name, sample },
  );
}

function normalised({ normalisation, modelAxes = '', target }: InputPlan, value: AxisArray): Float64Array {
  if (normalisation === undefined) return value.numbers;
  const numbers = value.numbers;
  const { dims } = value;
  const channelAxis = modelAxes.length === dims.length ? modelAxes.indexOf('C') : -1;
  for (const [key, list] of Object.entries({ mean: normalisation.mean, std: normalisation.std })) {
    const channelCount = channelAxis < 0 ? 1 : (dims[channelAxis] ?? 1);
    if (list.length === 1 || list.length === channelCount) continue;
    throw shapeMismatch(
      `Input "${target.name}": "${key}" has ${list.length} numbers and there are ${channelCount} channels. Give one number, or one per channel of "layout".`,
      { input: target.name, key },
    );
  }
  normalise(numbers, normalisation, { dims, channelAxis });
  return numbers;
}

function fittedDims({ target }: InputPlan, dims: readonly number[]): readonly number[] {
  const fit = fitShape(dims, target.sampleShape);
  if (fit.kind === 'fits') return fit.dims;
  throw misfit(target, dims);
}
