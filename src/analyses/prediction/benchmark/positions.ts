import { UserError } from '../../../base/errors.js';
import { elementCountOf } from '../../../onnx/tensorValue.js';
import { upsampledScores } from '../attribution/outcome.js';
import { rowOf } from '../attribution/points.js';
import type { Attributions, ExplainedTensor, Problem, ScoreMeaning } from '../attribution/problem.js';
import { byPosition, positionsOf } from '../features/partition.js';

/** The positions of the explained inputs, one after the other: pixels, tokens or columns, all channels together. */
export interface PositionSpace {
  readonly count: number;
  /** Position of every element, by input. */
  readonly positionOf: readonly Int32Array[];
}

/** Returns the positions of inputs. */
export function positionSpaceOf(inputs: readonly ExplainedTensor[]): PositionSpace {
  let count = 0;
  const positionOf = inputs.map((input) => {
    const first = count;
    count += elementCountOf(positionsOf(input));
    return byPosition(input, (position) => first + position);
  });
  return { count, positionOf };
}

/** A method's scores as numbers per position, `[rows, positions]`. */
export interface ScoreMaps {
  /** What positions are ordered by: the scores, or the sizes of slopes. */
  readonly ranking: Float64Array;
  /** What the scores say that hiding a position takes from the explained value, up to a factor of the row. */
  readonly effect: Float64Array;
  /** Scores summed over channels. */
  readonly shown: Float64Array;
}

/**
 * Sums scores over channels.
 *
 * Slopes become effects by their distance from the baseline, and are ordered by size: a slope down matters as much as
 * one up.
 *
 * @throws UserError when the scores are not finite, or of a layer that cannot be enlarged to the input.
 */
export function scoreMapsOf(
  problem: Problem,
  space: PositionSpace,
  { found, meaning }: { readonly found: Attributions; readonly meaning: ScoreMeaning },
): ScoreMaps {
  const { rows, inputs, baselines } = problem;
  const empty = (): Float64Array => new Float64Array(rows.count * space.count);
  const maps = { ranking: empty(), effect: empty(), shown: empty() };
  const perInput = elementScores(problem, found, space);
  for (const [coordinate, input] of inputs.entries()) {
    const { scores, positionOf } = perInput(coordinate);
    for (let row = 0; row < rows.count; row++) {
      const values = rowOf(input, row);
      const baseline = baselines.read(0, row, coordinate);
      for (const [i, position] of positionOf.entries()) {
        const score = scores[row * positionOf.length + i] ?? NaN;
        const at = row * space.count + position;
        const distance = meaning === 'slopes' ? (values[i] ?? 0) - (baseline[i] ?? 0) : 1;
        maps.shown[at] = (maps.shown[at] ?? 0) + score;
        maps.effect[at] = (maps.effect[at] ?? 0) + score * distance;
        maps.ranking[at] = (maps.ranking[at] ?? 0) + (meaning === 'slopes' ? Math.abs(score) : score);
      }
    }
  }
  if (!maps.shown.every(Number.isFinite)) {
    throw new UserError('scores-not-finite', 'its scores are not finite numbers');
  }
  return maps;
}

/** Scores of one input and the position of each. */
type ElementScores = (coordinate: number) => {
  readonly scores: Float64Array;
  readonly positionOf: Int32Array;
};

function elementScores(problem: Problem, found: Attributions, space: PositionSpace): ElementScores {
  const { inputs, rows } = problem;
  const areOfInputs = inputs.every(({ dims }, i) => found.scores[i]?.dims.slice(1).join() === dims.join());
  if (areOfInputs) {
    return (coordinate) => ({
      scores: found.scores[coordinate]?.data ?? new Float64Array(),
      positionOf: space.positionOf[coordinate] ?? new Int32Array(),
    });
  }
  const [first] = found.scores;
  const isOnePerPosition = first?.data.length === rows.count * space.count;
  const map = isOnePerPosition ? first : upsampledScores(problem, first);
  if (map?.data.length !== rows.count * space.count) {
    throw new UserError('map-does-not-fit', 'its map cannot be laid over the input');
  }
  const positionOf = Int32Array.from({ length: space.count }, (_, position) => position);
  const none = { scores: new Float64Array(), positionOf: new Int32Array() };
  return (coordinate) => (coordinate === 0 ? { scores: map.data, positionOf } : none);
}
