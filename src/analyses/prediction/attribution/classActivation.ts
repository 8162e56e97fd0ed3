import { UserError } from '../../../base/errors.js';
import { addScaled } from '../../../engine/numeric/vectors.js';
import { elementCountOf } from '../../../onnx/tensorValue.js';
import { rowPoints } from './points.js';
import type { ExplainedTensor, Problem, Scores } from './problem.js';

/** The maps of one channel: gradient of f and activation per position. */
export interface ChannelMaps {
  readonly gradient: Float64Array;
  readonly activation: Float64Array;
}

/**
 * Returns Σ_c w_c · A_c per row, `[N, 1, …positions]`, with w_c made by `weigh` from a layer's maps; clipped at 0 where
 * `relu` (the setting) is on.
 *
 * @throws UserError `no-positions` when the layer has no channels with positions.
 */
export async function classActivation(
  problem: Problem,
  weigh: (maps: ChannelMaps) => number,
  options: { readonly relu: boolean } = problem.settings,
): Promise<Scores> {
  const { inputs, rows } = problem;
  const { layer, axes } = mapsOf(problem);
  const { positionCount, channelCount } = axes;
  const data = new Float64Array(rows.count * positionCount);
  const field = problem.open({ coordinates: inputs, sites: [layer] });
  const maps = { gradient: new Float64Array(positionCount), activation: new Float64Array(positionCount) };
  problem.expect(rows.count);
  await field.gradientsAndValues(rowPoints(inputs, rows.count), ({ point, gradient, value }) => {
    const map = data.subarray(point * positionCount, (point + 1) * positionCount);
    for (let channel = 0; channel < channelCount; channel++) {
      readChannel(gradient, axes, channel, maps.gradient);
      readChannel(value, axes, channel, maps.activation);
      addScaled(map, maps.activation, weigh(maps));
    }
    if (options.relu) for (const [i, sum] of map.entries()) map[i] = Math.max(0, sum);
  });
  return { name: layer.name, dims: [rows.count, 1, ...axes.positions], data };
}

/**
 * Returns the layer whose maps are weighted, and how its rows are laid out.
 *
 * @throws UserError `no-positions` when the layer has no channels with positions.
 */
export function mapsOf({ layer, settings }: Problem): {
  readonly layer: ExplainedTensor;
  readonly axes: LayerAxes;
} {
  if (layer?.channelAxis === undefined || layer.dims.length < 2) {
    throw noPositions(layer?.name, settings.method);
  }
  return { layer, axes: splitAxes(layer, layer.channelAxis) };
}

/** A row of a layer as `[outer, channels, inner]`; positions are outer and inner together. */
export interface LayerAxes {
  readonly positions: readonly number[];
  readonly positionCount: number;
  readonly channelCount: number;
  readonly innerCount: number;
}

function splitAxes(layer: ExplainedTensor, channelAxis: number): LayerAxes {
  const channel = channelAxis - 1;
  const positions = layer.dims.filter((_, axis) => axis !== channel);
  return {
    positions,
    positionCount: elementCountOf(positions),
    channelCount: layer.dims[channel] ?? 1,
    innerCount: elementCountOf(layer.dims.slice(channelAxis)),
  };
}

/** Copies the map of one channel of a row. */
export function readChannel(
  elements: ArrayLike<number>,
  { channelCount, innerCount }: LayerAxes,
  channel: number,
  target: Float64Array,
): void {
  for (let p = 0; p < target.length; p++) {
    const inner = p % innerCount;
    target[p] = elements[(p - inner) * channelCount + channel * innerCount + inner] ?? 0;
  }
}

function noPositions(name: string | undefined, method: string): UserError {
  const what =
    name === undefined
      ? 'This model has no layer with spatial positions'
      : `Layer ${name} has no channels with positions`;
  return new UserError(
    'no-positions',
    `${what}, so ${method} has no map to weight. Set layer to a convolution, or use method=integrated-gradients.`,
  );
}
