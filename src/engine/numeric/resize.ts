/** How values between grid points are made when a map is enlarged. */
export type ResizeMode = 'bilinear' | 'nearest';

/**
 * Resizes a row-major map along every axis (`[h, w]` → `[H, W]`, any number of axes).
 *
 * `bilinear` is linear per axis with pixel centres at i + ½ (`align_corners` false) and the border repeated; `nearest`
 * takes floor(i · h / H). Both equal PyTorch's `interpolate` for enlarging.
 */
export function resize(
  values: Float64Array,
  from: readonly number[],
  to: readonly number[],
  mode: ResizeMode,
): Float64Array {
  let current = values;
  const dims = [...from];
  for (const [axis, size] of to.entries()) {
    current = resizeAxis(current, dims, axis, { size, mode });
    dims[axis] = size;
  }
  return current;
}

function resizeAxis(
  values: Float64Array,
  dims: readonly number[],
  axis: number,
  target: { readonly size: number; readonly mode: ResizeMode },
): Float64Array {
  const length = dims[axis]!;
  const inner = dims.slice(axis + 1).reduce((product, dim) => product * dim, 1);
  const outer = dims.slice(0, axis).reduce((product, dim) => product * dim, 1);
  const result = new Float64Array(outer * target.size * inner);
  for (let i = 0; i < target.size; i++) {
    const { low, high, share } = sourceOf(i, length, target);
    for (let o = 0; o < outer; o++) {
      for (let k = 0; k < inner; k++) {
        const a = values[(o * length + low) * inner + k]!;
        const b = values[(o * length + high) * inner + k]!;
        result[(o * target.size + i) * inner + k] = a * (1 - share) + b * share;
      }
    }
  }
  return result;
}

function sourceOf(
  index: number,
  length: number,
  target: { readonly size: number; readonly mode: ResizeMode },
): { readonly low: number; readonly high: number; readonly share: number } {
  const scale = length / target.size;
  if (target.mode === 'nearest') {
    const low = Math.min(length - 1, Math.floor(index * scale));
    return { low, high: low, share: 0 };
  }
  const position = Math.max(0, (index + 0.5) * scale - 0.5);
  const low = Math.min(length - 1, Math.floor(position));
  return { low, high: Math.min(length - 1, low + 1), share: Math.min(1, position - low) };
}
