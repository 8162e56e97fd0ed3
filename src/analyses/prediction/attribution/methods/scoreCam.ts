import { addScaled } from '../../../../engine/numeric/vectors.js';
import { resize } from '../../../../engine/numeric/resize.js';
import { positionsOf } from '../../features/partition.js';
import { type LayerAxes, mapsOf, readChannel } from '../classActivation.js';
import type { PointSource } from '../field.js';
import { mixByMask } from '../masks.js';
import { rowOf } from '../points.js';
import type { AttributionMethod, ExplainedTensor, Problem } from '../problem.js';

/** Channels of the last maps assumed in an estimate of the time; those of the model are not known before it runs. */
const aboutChannelCount = 128;

/**
 * Score-CAM: ReLU(Σ_c s_c · A_c) with s_c = f(b + M_c ⊙ (x − b)) − f(b), M_c being channel c of a layer enlarged to the
 * input and scaled to [0, 1].
 *
 * Assumes that a channel's map shows where its evidence is, and that showing the model only that part is a fair trial.
 * High: the layer sees something here that raises the explained value by itself. Needs no gradients; one run for each
 * channel and row. The map is as coarse as the layer's, scores do not add up, and channels that overlap count twice. A
 * channel without contrast says nothing about places and is left out.
 *
 * Source: Wang, Wang, Du, Yang, Zhang, Ding, Mardziel & Hu (2020), "Score-CAM: Score-Weighted Visual Explanations for
 * Convolutional Neural Networks", https://arxiv.org/abs/1910.01279. Differs: s_c is the increase itself, of the logit
 * unless explain=output; a softmax over channels would leave one of them alone when logits differ by more than a few.
 */
export const scoreCam: AttributionMethod = {
  title: 'Score-CAM',
  scoresAre: 'places',
  reading:
    'Each score says how strongly channels are active at this position that raise the explained value when only what they show is left of the input.',
  paperIds: ['wang2020'],
  weightsMaps: true,
  usesBaseline: true,
  passesPerRow: () => aboutChannelCount,
  async attribute(problem) {
    const { inputs, rows, settings } = problem;
    const { layer, axes } = mapsOf(problem);
    const points = maskedPoints(problem, layer, axes);
    problem.expect(points.count);
    const values = await problem.open({ coordinates: inputs }).values(points);
    const perRow = axes.channelCount + 1;
    const data = new Float64Array(rows.count * axes.positionCount);
    const activation = new Float64Array(axes.positionCount);
    for (let row = 0; row < rows.count; row++) {
      const map = data.subarray(row * axes.positionCount, (row + 1) * axes.positionCount);
      const atBaseline = values[row * perRow + axes.channelCount] ?? NaN;
      for (let channel = 0; channel < axes.channelCount; channel++) {
        readChannel(rowOf(layer, row), axes, channel, activation);
        if (!hasContrast(activation)) continue;
        addScaled(map, activation, (values[row * perRow + channel] ?? NaN) - atBaseline);
      }
      if (settings.relu) for (const [i, sum] of map.entries()) map[i] = Math.max(0, sum);
    }
    return {
      scores: [{ name: layer.name, dims: [rows.count, 1, ...axes.positions], data }],
      isComplete: false,
    };
  },
};

/** Row by row: the row as every channel shows it, then the baseline. */
function maskedPoints(problem: Problem, layer: ExplainedTensor, axes: LayerAxes): PointSource {
  const { inputs, rows, baselines } = problem;
  const perRow = axes.channelCount + 1;
  const activation = new Float64Array(axes.positionCount);
  return {
    count: rows.count * perRow,
    rowOf: (point) => Math.floor(point / perRow),
    write(point, coordinate, target) {
      const row = Math.floor(point / perRow);
      const channel = point % perRow;
      const input = inputs[coordinate];
      if (input === undefined) return;
      const baseline = baselines.read(0, row, coordinate);
      if (channel === axes.channelCount) {
        target.set(baseline);
        return;
      }
      const positions = positionsOf(input);
      const isMapped = positions.length === axes.positions.length && input.channelAxis !== undefined;
      if (!isMapped) {
        // An input without places of its own (a table beside an image) is left as it is.
        target.set(rowOf(input, row));
        return;
      }
      readChannel(rowOf(layer, row), axes, channel, activation);
      const mask = resize(scaledToOne(activation), axes.positions, positions, problem.settings.upsample);
      mixByMask(target, { input, values: rowOf(input, row), baseline, mask });
    },
  };
}

function hasContrast(map: Float64Array): boolean {
  return map.some((value) => value !== map[0]);
}

function scaledToOne(map: Float64Array): Float64Array {
  const low = map.reduce((least, value) => Math.min(least, value), Infinity);
  const high = map.reduce((most, value) => Math.max(most, value), -Infinity);
  return high > low ? map.map((value) => (value - low) / (high - low)) : map.map(() => 0);
}
