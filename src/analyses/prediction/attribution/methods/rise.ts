import type { Random } from '../../../../base/random.js';
import { resize } from '../../../../engine/numeric/resize.js';
import { maxAbs } from '../../../../engine/numeric/vectors.js';
import { elementCountOf, float32Tensor } from '../../../../onnx/tensorValue.js';
import { positionsOf } from '../../features/partition.js';
import type { PointSource } from '../field.js';
import { forEachPosition, mixByMask } from '../masks.js';
import { emptyScores, rowOf } from '../points.js';
import type { AttributionMethod, Attributions, ExplainedTensor, Problem } from '../problem.js';

/** Masks drawn unless said otherwise. */
const defaultMaskCount = 1000;

/** Cells of a mask along each side of an image unless said otherwise. */
const defaultCellCount = 7;

/**
 * RISE: Sᵢ = 1 / (N p) Σ_k f(b + M_k ⊙ (x − b)) · M_k,i over N random masks, which estimates the mean of f over the masks
 * that let element i through.
 *
 * A mask is a grid of `cells` along each side, each cell kept with probability `keep`, enlarged smoothly and shifted at
 * random by less than a cell; on tables and sequences every element or token has its own cell and edges are sharp.
 * Assumes that half-hidden inputs mean something to the model. High: with this place visible the explained value is high.
 * Scores are means of f, not shares: compare them with each other, not with zero. Their standard error falls like 1/√N.
 *
 * Source: Petsiuk, Das & Saenko (2018), "RISE: Randomized Input Sampling for Explanation of Black-box Models",
 * https://arxiv.org/abs/1806.07421. Differs: hidden parts fade to the baseline, which is black only by default, and f is
 * the logit unless explain=output.
 */
export const rise: AttributionMethod = {
  title: 'RISE',
  scoresAre: 'places',
  reading:
    'Each score estimates the explained value when this element is visible and random other parts are hidden: compare scores with each other, not with zero.',
  paperIds: ['petsiuk2018'],
  usesBaseline: true,
  passesPerRow: ({ samples }) => samples ?? defaultMaskCount,
  async attribute(problem) {
    const { inputs, settings, random, baselines, rows } = problem;
    const maskCount = settings.samples ?? defaultMaskCount;
    const masks = inputs.map((input) => drawMasks(input, { maskCount, settings, random }));
    const points = maskedPoints(problem, masks, maskCount);
    problem.expect(points.count);
    const values = await problem.open({ coordinates: inputs }).values(points);
    const means = Float64Array.from({ length: maskCount * rows.count }, (_, i) => {
      let sum = 0;
      for (let start = 0; start < baselines.count; start++) {
        sum += (values[i * baselines.count + start] ?? NaN) / baselines.count;
      }
      return sum;
    });
    return maskedMeans(problem, masks, { means, maskCount });
  },
};

/** Random masks of one input, made again whenever they are asked for. */
interface Masks {
  /** Returns a mask, one number per position; valid until the next call. */
  at(index: number): Float64Array;
}

function drawMasks(
  input: ExplainedTensor,
  {
    maskCount,
    settings,
    random,
  }: {
    readonly maskCount: number;
    readonly settings: Problem['settings'];
    readonly random: Random;
  },
): Masks {
  const positions = positionsOf(input);
  const wanted = settings.cells ?? (positions.length > 1 ? defaultCellCount : Infinity);
  const sizes = positions.map((length) => Math.ceil(length / Math.min(length, wanted)));
  // One cell more than fits, so that there is something to shift.
  const cells = positions.map((length, axis) => Math.ceil(length / (sizes[axis] ?? 1)) + 1);
  const cellCount = elementCountOf(cells);
  const kept = new Uint8Array(maskCount * cellCount);
  const shifts: number[][] = [];
  for (let mask = 0; mask < maskCount; mask++) {
    for (let cell = 0; cell < cellCount; cell++) {
      kept[mask * cellCount + cell] = random.next() < settings.keep ? 1 : 0;
    }
    shifts.push(sizes.map((size) => random.integer(size)));
  }
  let last: { readonly index: number; readonly mask: Float64Array } = {
    index: -1,
    mask: new Float64Array(),
  };
  return {
    at: (index) => {
      if (last.index === index) return last.mask;
      const grid = Float64Array.from(kept.subarray(index * cellCount, (index + 1) * cellCount));
      const wide = cells.map((count, axis) => count * (sizes[axis] ?? 1));
      const enlarged = resize(grid, cells, wide, 'bilinear');
      last = { index, mask: crop(enlarged, wide, { start: shifts[index] ?? [], size: positions }) };
      return last.mask;
    },
  };
}

function crop(
  values: Float64Array,
  dims: readonly number[],
  { start, size }: { readonly start: readonly number[]; readonly size: readonly number[] },
): Float64Array {
  const result = new Float64Array(elementCountOf(size));
  let next = 0;
  const walk = (axis: number, offset: number): void => {
    if (axis === dims.length) {
      result[next++] = values[offset] ?? 0;
      return;
    }
    for (let i = 0; i < (size[axis] ?? 1); i++) {
      walk(axis + 1, offset * (dims[axis] ?? 1) + (start[axis] ?? 0) + i);
    }
  };
  walk(0, 0);
  return result;
}

/** Mask by mask, row by row, baseline by baseline: a mask is made once for all rows. */
function maskedPoints(
  { inputs, rows, baselines }: Problem,
  masks: readonly Masks[],
  maskCount: number,
): PointSource {
  const perMask = rows.count * baselines.count;
  const rowAt = (point: number): number => Math.floor(point / baselines.count) % rows.count;
  return {
    count: maskCount * perMask,
    rowOf: rowAt,
    write(point, coordinate, target) {
      const input = inputs[coordinate];
      const mask = masks[coordinate]?.at(Math.floor(point / perMask));
      if (input === undefined || mask === undefined) return;
      const row = rowAt(point);
      const baseline = baselines.read(point % baselines.count, row, coordinate);
      mixByMask(target, { input, values: rowOf(input, row), baseline, mask });
    },
  };
}

/** Means of f · M / p over masks and their standard errors. */
function maskedMeans(
  problem: Problem,
  masks: readonly Masks[],
  { means, maskCount }: { readonly means: Float64Array; readonly maskCount: number },
): Attributions {
  const { inputs, rows, settings } = problem;
  const evidence = {
    kind: 'estimated',
    n: rows.count,
    how: `${maskCount.toLocaleString('en-US')} random masks`,
  } as const;
  const found = inputs.map((input, coordinate) => {
    const scores = emptyScores(input, rows.count);
    const squares = emptyScores(input, rows.count);
    for (let mask = 0; mask < maskCount; mask++) {
      const values = masks[coordinate]?.at(mask) ?? new Float64Array();
      for (let row = 0; row < rows.count; row++) {
        const f = (means[mask * rows.count + row] ?? NaN) / settings.keep;
        const moments = { mean: scores.row(row), squares: squares.row(row), count: mask + 1 };
        forEachPosition(input, (i, position) => {
          addTerm(moments, i, f * (values[position] ?? 0));
        });
      }
    }
    const error = squares.data.map((sum) => Math.sqrt(sum / (maskCount - 1) / maskCount));
    return { scores: { name: scores.name, dims: scores.dims, data: scores.data }, error };
  });
  return {
    scores: found.map(({ scores }) => scores),
    isComplete: false,
    evidence,
    metrics: { maxStandardError: Math.max(...found.map(({ error }) => maxAbs(error))) },
    arrays: Object.fromEntries(
      found.map(({ scores, error }) => [
        found.length === 1 ? 'standardError' : `standardError.${scores.name}`,
        { value: float32Tensor(Float32Array.from(error), scores.dims), evidence },
      ]),
    ),
  };
}

/** Welford: the mean so far, and the sum of squared deviations from it; `count` includes the term. */
function addTerm(
  {
    mean,
    squares,
    count,
  }: { readonly mean: Float64Array; readonly squares: Float64Array; readonly count: number },
  i: number,
  term: number,
): void {
  const deviation = term - (mean[i] ?? 0);
  mean[i] = (mean[i] ?? 0) + deviation / count;
  squares[i] = (squares[i] ?? 0) + deviation * (term - (mean[i] ?? 0));
}
