import { elementCountOf } from '../../../onnx/tensorValue.js';
import type { ExplainedTensor } from './problem.js';

/** Writes b + m ⊙ (x − b), the mask having one number per position and holding for all channels. */
export function mixByMask(
  target: Float32Array,
  from: {
    readonly input: Pick<ExplainedTensor, 'dims' | 'channelAxis'>;
    readonly values: Float32Array;
    readonly baseline: Float32Array;
    readonly mask: Float64Array;
  },
): void {
  const { values, baseline, mask } = from;
  forEachPosition(from.input, (i, position) => {
    const start = baseline[i] ?? 0;
    target[i] = start + (mask[position] ?? 0) * ((values[i] ?? 0) - start);
  });
}

/** Calls `visit` with every element's index and that of its position; without a channel axis they are the same. */
export function forEachPosition(
  { dims, channelAxis }: Pick<ExplainedTensor, 'dims' | 'channelAxis'>,
  visit: (index: number, position: number) => void,
): void {
  const channels = channelAxis === undefined ? 1 : (dims[channelAxis - 1] ?? 1);
  const inner = channelAxis === undefined ? 1 : elementCountOf(dims.slice(channelAxis));
  const outer = elementCountOf(dims) / (channels * inner);
  for (let o = 0; o < outer; o++) {
    for (let channel = 0; channel < channels; channel++) {
      for (let k = 0; k < inner; k++) visit((o * channels + channel) * inner + k, o * inner + k);
    }
  }
}
