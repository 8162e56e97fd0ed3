import type { ResizeSpec } from '../protocol/inspectFile.js';
import { imageUndecodable, typeMismatch } from './dataErrors.js';
import type { AxisArray } from './pixels.js';

/** Size and way of a resize, with its defaults filled in. */
export interface Resize {
  readonly height: number;
  readonly width: number;
  readonly fit: 'fill' | 'cover' | 'contain' | 'outside';
  readonly method: 'nearest' | 'linear' | 'cubic' | 'lanczos3';
  readonly crop?: readonly [number, number];
}

/** Returns a resize with its defaults filled in. */
export function resizeOf(spec: ResizeSpec): Resize {
  if (Array.isArray(spec)) return { height: spec[0], width: spec[1], fit: 'fill', method: 'linear' };
  const { height, width, fit = 'fill', method = 'linear', crop } = spec;
  return { height, width, fit, method, ...(crop === undefined ? {} : { crop }) };
}

// Loaded when the first image is read: it is native code that other data never needs.
async function loadSharp() {
  const { default: sharp } = await import('sharp');
  // The cache is keyed by path and would show a file as it was before it changed.
  sharp.cache(false);
  return sharp;
}

/**
 * Returns the pixels of an encoded image as RGB levels 0–255 (`HWC`): first page, alpha dropped, orientation tags not
 * applied (as PIL and torchvision load it).
 *
 * @throws UserError `image-undecodable`, naming it.
 */
export async function decodeImage(content: string | Uint8Array, name: string): Promise<AxisArray> {
  const sharp = await loadSharp();
  try {
    const { data, info } = await sharp(content)
      .toColourspace('srgb')
      .removeAlpha()
      .raw()
      .toBuffer({ resolveWithObject: true });
    return { axes: 'HWC', dims: [info.height, info.width, info.channels], numbers: Float64Array.from(data) };
  } catch (cause) {
    throw imageUndecodable(name, cause);
  }
}

/** Returns [height, width] of an encoded image without decoding its pixels. */
export async function imageSize(
  content: string | Uint8Array,
  name: string,
): Promise<readonly [number, number]> {
  const sharp = await loadSharp();
  try {
    const { height, width } = await sharp(content).metadata();
    return [height, width];
  } catch (cause) {
    throw imageUndecodable(name, cause);
  }
}

/**
 * Returns an `HWC` image of levels 0–255 in another size.
 *
 * @throws UserError `data-dtype` when its values are no levels.
 */
export async function resizeImage(image: AxisArray, resize: Resize, input: string): Promise<AxisArray> {
  const [height = 1, width = 1, channels = 1] = image.dims;
  const isSameSize = height === resize.height && width === resize.width;
  const resized = isSameSize ? image : await scaled(image, { resize, channels, height, width, input });
  return resize.crop === undefined ? resized : cropCentre(resized, resize.crop, input);
}

async function scaled(
  image: AxisArray,
  {
    resize,
    channels,
    height,
    width,
    input,
  }: { resize: Resize; channels: number; height: number; width: number; input: string },
): Promise<AxisArray> {
  if (
    channels > 4 ||
    !image.numbers.every((level) => Number.isInteger(level) && level >= 0 && level <= 255)
  ) {
    throw typeMismatch(
      `Input "${input}": only pixels (whole levels 0–255, up to 4 channels) are resized. Resize the data where it is made, or take "resize" out of the .inspect.json.`,
      { input },
    );
  }
  const sharp = await loadSharp();
  const raw = { width, height, channels: channels as 1 | 2 | 3 | 4 };
  const { data, info } = await sharp(Uint8Array.from(image.numbers), { raw })
    .resize({
      width: resize.width,
      height: resize.height,
      fit: resize.fit,
      kernel: resize.method,
      background: '#000',
    })
    // Without this a grey image would come back with three channels.
    .toColourspace(channels === 1 ? 'b-w' : 'srgb')
    .raw()
    .toBuffer({ resolveWithObject: true });
  return { axes: 'HWC', dims: [info.height, info.width, info.channels], numbers: Float64Array.from(data) };
}

function cropCentre(image: AxisArray, [height, width]: readonly [number, number], input: string): AxisArray {
  const [fullHeight = 1, fullWidth = 1, channels = 1] = image.dims;
  if (height > fullHeight || width > fullWidth) {
    throw typeMismatch(
      `Input "${input}": a crop of ${height} × ${width} does not fit into the resized ${fullHeight} × ${fullWidth}. Correct "resize" in the .inspect.json.`,
      { input },
    );
  }
  // Half of what is over on each side; an odd pixel goes to the right and bottom.
  const top = Math.floor((fullHeight - height) / 2);
  const left = Math.floor((fullWidth - width) / 2);
  const numbers = new Float64Array(height * width * channels);
  for (let row = 0; row < height; row++) {
    const from = ((top + row) * fullWidth + left) * channels;
    numbers.set(image.numbers.subarray(from, from + width * channels), row * width * channels);
  }
  return { axes: 'HWC', dims: [height, width, channels], numbers };
}
