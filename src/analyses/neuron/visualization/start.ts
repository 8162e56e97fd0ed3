import { UserError } from '../../../base/errors.js';
import type { Random } from '../../../base/random.js';
import { readArrays } from '../../../data/readArrays.js';
import { centreMask } from '../../../engine/descent/gaussians.js';
import { positionOf, toSpectrum } from '../../../engine/descent/spectrum.js';
import { elementCountOf, float32Tensor, type TensorValue, toFloat64 } from '../../../onnx/tensorValue.js';
import type { Canvas } from './canvas.js';
import { formOf } from './movedForm.js';
import type { AscentRequest } from './visualize.js';

/** Standard deviation of the noise that an ascent starts from, in halves of the range. */
const startDeviation = 0.1;

/** Largest |z| whose waves are looked for: those of 1 would be infinite. */
const largestZ = 0.99;

/** Smallest share of a centred input that is taken out again. */
const smallestShare = 0.05;

/**
 * Reads the inputs to start from, as z.
 *
 * @throws UserError `start-unreadable` when there is no such file or its shape is not that of inputs.
 */
export async function readStart(
  path: string | null,
  { input, range }: Canvas,
): Promise<Float64Array | undefined> {
  if (path === null) return undefined;
  const forms = 'the path of an .npy or .npz file';
  const read = await readArrays(path, {
    setting: 'start',
    code: 'start-unreadable',
    forms,
    npyName: 'start',
  });
  const [value] = read.values();
  const [, ...row] = input.dims;
  if (value === undefined || value.dims[0] === 0 || value.dims.slice(1).join() !== row.join()) {
    throw new UserError(
      'start-unreadable',
      `start=${path} has shape [${value?.dims.join(', ') ?? ''}], and inputs have [N, ${row.join(', ')}]. Give inputs as the model is fed them.`,
      { detail: { path } },
    );
  }
  return range.toZ(toFloat64(value));
}

/** Returns what is moved first, `[N, …]`: noise, or what makes the inputs that were given. */
export function startOf(
  random: Random,
  { canvas, settings, startZ }: AscentRequest,
  dims: readonly number[],
): TensorValue {
  const count = elementCountOf(dims);
  if (startZ === undefined) {
    return float32Tensor(
      Float32Array.from({ length: count }, () => startDeviation * random.normal()),
      dims,
    );
  }
  // Further inputs start as the first ones do.
  const z = Float64Array.from({ length: count }, (_, at) => startZ[at % startZ.length] ?? 0);
  const form = formOf(canvas, settings, dims);
  const { isBounded, isSpectrum } = form;
  const whole = settings.centre > 0 ? uncentred(z, { ...form, width: settings.centre }) : z;
  const limited = isBounded
    ? whole.map((value) => Math.max(-1, Math.min(1, value)) * (isSpectrum ? largestZ : 1))
    : whole;
  const moved = isSpectrum ? toSpectrum(isBounded ? limited.map(Math.atanh) : limited, form) : limited;
  return float32Tensor(Float32Array.from(moved), dims);
}

function uncentred(z: Float64Array, shape: Parameters<typeof centreMask>[0]): Float64Array {
  const mask = centreMask(shape);
  return z.map((value, at) => value / Math.max(smallestShare, mask[positionOf(at, shape)] ?? 1));
}
