import { inverseOf, placesByValue } from '../../../engine/numeric/order.js';
import { areaUnder } from '../../../engine/numeric/quadrature.js';
import { elementCountOf, float32Tensor } from '../../../onnx/tensorValue.js';
import type { ChartBlock, ReportNumber } from '../../../protocol/blocks.js';
import { toReportNumber } from '../../../protocol/reportNumbers.js';
import type { Outcome } from './outcome.js';
import type { ExplainedTensor, Problem, Scores } from './problem.js';
import { rowEvidence } from './rows.js';
import { vegaLiteSchema } from '../../shared/vegaLite.js';

/** Shares of the elements that are removed, in this order. */
const removedShares = [0, 0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 0.75, 1] as const;

/** Forward passes that the curves of one row take. */
export const removalPasses = 2 * removedShares.length;

/** Which elements go first. */
type Order = 'relevant' | 'random';

/**
 * Adds what is left of the explained value when elements of the input are set to the baseline: those with the highest
 * scores first, and in random order (one draw per row, from the run's seed).
 *
 * The gap is the area between both curves over the share removed, by trapezoids, in units of the explained value. High:
 * the elements that the method names carry the prediction; 0: any others would do; below 0: they carry less. One caveat:
 * an input with holes is none that the model was trained on.
 *
 * Source: Becker et al. (2018), "Interpreting and Explaining Deep Neural Networks for Classification of Audio Signals",
 * https://arxiv.org/abs/1807.03418
 * Differs: what is drawn is the explained value, not the accuracy.
 *
 * @returns the outcome as it is where the scores are not over the input's own elements.
 */
export async function withRemoval(problem: Problem, outcome: Outcome): Promise<Outcome> {
  if (!problem.settings.removal) return outcome;
  const fit = fittingScores(problem, outcome);
  if (fit === undefined) {
    const note = 'No removal curve: the scores are not those of the input’s own elements.';
    return { ...outcome, notes: [...(outcome.notes ?? []), note] };
  }
  const ranks = { relevant: ranksByScore(problem, fit), random: ranksAtRandom(problem, fit) };
  problem.expect(removalPasses * problem.rows.count);
  const curves = {
    relevant: await curveOf(problem, ranks.relevant),
    random: await curveOf(problem, ranks.random),
  };
  const { count } = problem.rows;
  const evidence = rowEvidence(problem.rows);
  const array = (rows: Float64Array) => ({
    value: float32Tensor(Float32Array.from(rows), [count, removedShares.length]),
    evidence,
  });
  return {
    ...outcome,
    metrics: { ...outcome.metrics, removalGap: gapOf(meanCurve(curves.relevant), meanCurve(curves.random)) },
    arrays: {
      ...outcome.arrays,
      removalCurve: array(curves.relevant),
      randomRemovalCurve: array(curves.random),
    },
    blocks: [...(outcome.blocks ?? []), removalChart(curves)],
  };
}

/** Returns the scores of each input, or undefined where they are of other tensors or of fewer parts. */
function fittingScores({ inputs, rows }: Problem, { scores }: Outcome): readonly Scores[] | undefined {
  const fitting = inputs.map((input) =>
    scores.find(
      ({ name, data }) => name === input.name && data.length === rows.count * elementCountOf(input.dims),
    ),
  );
  return fitting.every((one) => one !== undefined) ? fitting : undefined;
}

/** When each element goes: rank 0 first; all inputs of a row are ranked together, in the order of the inputs. */
type Ranks = readonly Int32Array[];

function ranksByScore({ rows }: Problem, scores: readonly Scores[]): Ranks {
  return Array.from({ length: rows.count }, (_, row) =>
    placesByValue(
      scores.flatMap(({ data }) => {
        const size = data.length / rows.count;
        return [...data.subarray(row * size, (row + 1) * size)];
      }),
    ),
  );
}

function ranksAtRandom({ rows, random }: Problem, scores: readonly Scores[]): Ranks {
  const size = scores.reduce((sum, { data }) => sum + data.length / rows.count, 0);
  return Array.from({ length: rows.count }, () => inverseOf(random.permutation(size)));
}

/** f per row and removed share, row-major. */
async function curveOf(problem: Problem, ranks: Ranks): Promise<Float64Array> {
  const { inputs, rows, baselines } = problem;
  const field = problem.open({ coordinates: inputs });
  const starts = startsOf(inputs);
  const shareCount = removedShares.length;
  return field.values({
    count: rows.count * shareCount,
    rowOf: (point) => Math.floor(point / shareCount),
    write: (point, coordinate, target) => {
      const row = Math.floor(point / shareCount);
      const rowRanks = ranks[row] ?? new Int32Array();
      const removedCount = Math.round((removedShares[point % shareCount] ?? 0) * rowRanks.length);
      const input = inputs[coordinate];
      const baseline = baselines.read(0, row, coordinate);
      for (let at = 0; at < target.length; at++) {
        const isRemoved = (rowRanks[(starts[coordinate] ?? 0) + at] ?? 0) < removedCount;
        target[at] = (isRemoved ? baseline[at] : input?.elements[row * target.length + at]) ?? 0;
      }
    },
  });
}

function startsOf(inputs: readonly ExplainedTensor[]): readonly number[] {
  let next = 0;
  return inputs.map(({ dims }) => {
    const start = next;
    next += elementCountOf(dims);
    return start;
  });
}

function meanCurve(rows: Float64Array): Float64Array {
  const shareCount = removedShares.length;
  const rowCount = rows.length / shareCount;
  const mean = new Float64Array(shareCount);
  for (const [at, value] of rows.entries()) {
    mean[at % shareCount] = (mean[at % shareCount] ?? 0) + value / rowCount;
  }
  return mean;
}

function gapOf(relevant: Float64Array, random: Float64Array): number {
  return areaUnder(
    removedShares,
    random.map((value, at) => value - (relevant[at] ?? NaN)),
  );
}

const orderNames: Readonly<Record<Order, string>> = {
  relevant: 'highest scores first',
  random: 'in random order',
};

/** A point of both curves. */
interface CurvePoint extends Readonly<Record<Order, ReportNumber>> {
  readonly removed: number;
}

function curveSpec(rows: readonly CurvePoint[]): Record<string, unknown> {
  const orders: readonly Order[] = ['relevant', 'random'];
  const values = rows.flatMap((row) =>
    orders.map((order) => ({ removed: row.removed, value: row[order], order: orderNames[order] })),
  );
  return {
    $schema: vegaLiteSchema,
    data: { values },
    mark: { type: 'line', point: true },
    encoding: {
      x: {
        field: 'removed',
        type: 'quantitative',
        title: 'Elements set to the baseline',
        axis: { format: '%' },
      },
      y: { field: 'value', type: 'quantitative', title: 'Mean explained value' },
      color: { field: 'order', type: 'nominal', title: 'Removed' },
    },
  };
}

function removalChart(curves: Readonly<Record<Order, Float64Array>>): ChartBlock {
  const means = { relevant: meanCurve(curves.relevant), random: meanCurve(curves.random) };
  const rows = removedShares.map((removed, at) => ({
    removed,
    relevant: toReportNumber(means.relevant[at] ?? NaN),
    random: toReportNumber(means.random[at] ?? NaN),
  }));
  return {
    type: 'chart',
    title: 'What is left when elements are removed',
    alt: 'Mean explained value against the share of elements set to the baseline: highest scores first, and in random order.',
    spec: curveSpec(rows),
    table: {
      columns: [
        { key: 'removed', label: 'Removed', kind: 'percent' },
        { key: 'relevant', label: 'f, highest scores first', kind: 'number' },
        { key: 'random', label: 'f, in random order', kind: 'number' },
      ],
      rows,
    },
  };
}
