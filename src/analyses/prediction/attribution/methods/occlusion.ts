import { addScaled } from '../../../../engine/numeric/vectors.js';
import { elementCountOf } from '../../../../onnx/tensorValue.js';
import type { Workload } from '../../../analysis.js';
import { explainedShapes } from '../featureCount.js';
import type { PointSource } from '../field.js';
import { emptyScores, rowOf, rowPoints } from '../points.js';
import type { AttributionMethod, ExplainedTensor, Problem, Scores } from '../problem.js';
import type { AttributionSettings } from '../settings.js';
import { forEachInWindow, type Range, windowGridOf } from '../windows.js';

/**
 * Occlusion: the mean of f(x) − f(x with a window replaced by the baseline), over the windows that cover an element.
 *
 * Assumes that the baseline hides what it covers without adding something of its own: a grey box can be evidence too.
 * High: hiding this place lowers the prediction. Negative: hiding it raises it. Scores depend on the window's size, and
 * two places that hold the same evidence hide each other's worth. Needs no gradients; costs one run per window and row.
 *
 * Windows start at multiples of the stride until the edge is covered, the last one cut there, and cover all channels.
 *
 * Source: Zeiler & Fergus (2013), "Visualizing and Understanding Convolutional Networks",
 * https://arxiv.org/abs/1311.2901. Differs: differences of the explained value, averaged over covering windows.
 */
export const occlusion: AttributionMethod = {
  title: 'Occlusion',
  scoresAre: 'shares',
  reading:
    'Each score is how much the explained value drops when a window over this element is replaced by the baseline, averaged over the windows that cover it.',
  paperIds: ['zeiler2013'],
  usesBaseline: true,
  passesPerRow: windowCountOf,
  async attribute(problem) {
    const { inputs, rows } = problem;
    const field = problem.open({ coordinates: inputs });
    const plans = inputs.map((input, index) => {
      const hidden = hiddenWindows(problem, input);
      return { input, hidden, points: occludedPoints(problem, index, hidden) };
    });
    problem.expect(plans.reduce((sum, { points }) => sum + points.count, rows.count));
    const full = await field.values(rowPoints(inputs, rows.count));
    const scores: Scores[] = [];
    for (const { input, hidden, points } of plans) {
      scores.push(scoresOf(problem, input, { hidden, full, occluded: await field.values(points) }));
    }
    const notes = plans.map(({ input, hidden }) => `${input.name}: ${hidden.note}`);
    return { scores, isComplete: false, notes };
  },
};

interface HiddenWindows {
  readonly axes: readonly number[];
  readonly windows: readonly (readonly Range[])[];
  readonly note: string;
}

function hiddenWindows({ settings }: Problem, input: ExplainedTensor): HiddenWindows {
  const axes = input.dims.map((_, axis) => axis).filter((axis) => axis + 1 !== input.channelAxis);
  const positions = axes.map((axis) => input.dims[axis] ?? 1);
  const { shape, windows } = windowGridOf(positions, {
    window: settings.window,
    stride: settings.stride,
    hasChannels: input.channelAxis !== undefined,
  });
  const { sizes, strides } = shape;
  const note = `${String(windows.length)} windows of ${sizes.join(' × ')}, stride ${strides.join(' × ')}.`;
  return { axes, windows, note };
}

/** Points baseline by baseline, row by row, window by window: the row with one window of one input replaced. */
function occludedPoints(problem: Problem, occluded: number, { axes, windows }: HiddenWindows): PointSource {
  const { inputs, rows, baselines } = problem;
  const perStart = rows.count * windows.length;
  const rowAt = (point: number): number => Math.floor(point / windows.length) % rows.count;
  return {
    count: baselines.count * perStart,
    rowOf: rowAt,
    write(point, coordinate, target) {
      const input = inputs[coordinate];
      if (input === undefined) return;
      const row = rowAt(point);
      target.set(rowOf(input, row));
      if (coordinate !== occluded) return;
      const baseline = baselines.read(Math.floor(point / perStart), row, coordinate);
      forEachInWindow(input.dims, axes, windows[point % windows.length] ?? [], (i) => {
        target[i] = baseline[i] ?? 0;
      });
    },
  };
}

function scoresOf(
  { rows, baselines }: Problem,
  input: ExplainedTensor,
  found: { readonly hidden: HiddenWindows; readonly full: Float64Array; readonly occluded: Float64Array },
): Scores {
  const { axes, windows } = found.hidden;
  const size = elementCountOf(input.dims);
  const scores = emptyScores(input, rows.count);
  const coverCount = new Float64Array(size);
  for (const window of windows) {
    forEachInWindow(input.dims, axes, window, (i) => {
      coverCount[i] = (coverCount[i] ?? 0) + 1;
    });
  }
  const drops = new Float64Array(size);
  for (let row = 0; row < rows.count; row++) {
    drops.fill(0);
    for (const [w, window] of windows.entries()) {
      const drop = meanDrop(found, { row, w, rowCount: rows.count, windowCount: windows.length });
      forEachInWindow(input.dims, axes, window, (i) => {
        drops[i] = (drops[i] ?? 0) + drop / (coverCount[i] ?? 1);
      });
    }
    addScaled(scores.row(row), drops, 1);
  }
  return { name: scores.name, dims: scores.dims, data: scores.data };

  /** f(x) − f(occluded), averaged over the baselines. */
  function meanDrop(
    values: { readonly full: Float64Array; readonly occluded: Float64Array },
    at: { readonly row: number; readonly w: number; readonly rowCount: number; readonly windowCount: number },
  ): number {
    let sum = 0;
    for (let start = 0; start < baselines.count; start++) {
      const point = (start * at.rowCount + at.row) * at.windowCount + at.w;
      sum += (values.full[at.row] ?? NaN) - (values.occluded[point] ?? NaN);
    }
    return sum / baselines.count;
  }
}

/** Every explained input is hidden window by window; token ids by token, which are the positions of their embedding. */
function windowCountOf(settings: AttributionSettings, workload: Workload): number {
  let count = 0;
  for (const { dims, channelAxis } of explainedShapes(workload)) {
    const positions = dims.filter((_, axis) => axis + 1 !== channelAxis);
    count += windowGridOf(positions, { ...settings, hasChannels: channelAxis !== undefined }).windows.length;
  }
  return count;
}
