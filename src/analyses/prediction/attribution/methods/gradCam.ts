import { UserError } from '../../../../base/errors.js';
import { addScaled } from '../../../../engine/numeric/vectors.js';
import { elementCountOf } from '../../../../onnx/tensorValue.js';
import type { SiteResult } from '../field.js';
import { rowPoints } from '../points.js';
import type { AttributionMethod, ExplainedTensor } from '../problem.js';

/**
 * Grad-CAM: ReLU(Σ_c w_c · A_c), where w_c is the mean of ∂f/∂A_c over the positions of channel c of a layer.
 *
 * Assumes that a channel's meaning is the same at all positions. High: the layer sees evidence for the target here. The
 * map is as coarse as the layer's; enlarging it adds nothing. Scores do not add up to the prediction. With `relu` off
 * negative values are evidence against the target.
 *
 * Source: Selvaraju et al. (2016), "Grad-CAM: Visual Explanations from Deep Networks via Gradient-based Localization",
 * https://arxiv.org/abs/1610.02391.
 */
export const gradCam: AttributionMethod = {
  title: 'Grad-CAM',
  reading:
    'Each score says how strongly the layer’s channels that raise the explained value are active at this position.',
  paperIds: ['selvaraju2016'],
  takes: ['layer', 'neuron', 'position', 'output'],
  needsGradients: true,
  async attribute(problem) {
    const { layer, inputs, rows, settings } = problem;
    if (layer?.channelAxis === undefined || layer.dims.length < 2) throw noPositions(layer?.name);
    const axes = splitAxes(layer, layer.channelAxis);
    const data = new Float64Array(rows.count * axes.positionCount);
    const field = problem.open({ coordinates: inputs, sites: [layer] });
    problem.expect(rows.count);
    await field.gradientsAndValues(rowPoints(inputs, rows.count), (result) => {
      const map = weightedMap(result, axes);
      const from = result.point * axes.positionCount;
      for (const [i, value] of map.entries()) data[from + i] = settings.relu ? Math.max(0, value) : value;
    });
    return {
      scores: [{ name: layer.name, dims: [rows.count, 1, ...axes.positions], data }],
      isComplete: false,
    };
  },
};

/** A row of a layer as `[outer, channels, inner]`; positions are outer and inner together. */
interface LayerAxes {
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

function weightedMap({ gradient, value }: SiteResult, axes: LayerAxes): Float64Array {
  const { positionCount, channelCount, innerCount } = axes;
  const map = new Float64Array(positionCount);
  const channel = new Float64Array(positionCount);
  for (let c = 0; c < channelCount; c++) {
    let weight = 0;
    for (let p = 0; p < positionCount; p++) {
      const inner = p % innerCount;
      const index = ((p - inner) / innerCount) * channelCount * innerCount + c * innerCount + inner;
      weight += (gradient[index] ?? 0) / positionCount;
      channel[p] = value[index] ?? 0;
    }
    addScaled(map, channel, weight);
  }
  return map;
}

function noPositions(name: string | undefined): UserError {
  const what =
    name === undefined
      ? 'This model has no layer with spatial positions'
      : `Layer ${name} has no channels with positions`;
  return new UserError(
    'no-positions',
    `${what}, so grad-cam has no map to weight. Set layer to a convolution, or use method=integrated-gradients.`,
  );
}
