import { interpolateInto } from '../../../engine/numeric/vectors.js';
import { elementCountOf } from '../../../onnx/tensorValue.js';
import type { PointSource } from './field.js';
import { passesPerGradient } from './passes.js';
import type { AttributionMethod, Attributions, Problem } from './problem.js';
import { emptyMoments, estimated, sampleCountOf, sampleGroups, scoresOf } from './sampled.js';

/** One draw for one row: where it starts, how far along it is looked at, and where it ends. */
interface Draw {
  readonly row: number;
  readonly start: number;
  readonly fraction: number;
  /** End of the path per coordinate. */
  readonly ends: readonly Float32Array[];
}

/** Where paths end: the row itself, or something near it. */
type EndOf = (row: number, coordinate: number) => Float32Array;

/** Returns the settings that both methods share. */
export const expectedGradientsFacts = {
  usesBaseline: true,
  passesPerRow: (settings) => sampleCountOf(settings) * passesPerGradient,
  whyIncomplete: (settings) => ({
    severity: 'warning',
    reason: 'the scores are an average over too few random samples',
    advice: `Raise samples, e.g. samples=${String(sampleCountOf(settings) * 4)}, or use method=integrated-gradients with the same background.`,
  }),
} as const satisfies Partial<AttributionMethod>;

/**
 * Returns the mean of (x′ − b) · ∂f/∂x (b + α (x′ − b)) over draws of a baseline b, a fraction α and, by `endOf`, an end x′.
 *
 * @throws UserError `too-few-samples`.
 */
export async function expectedGradients(problem: Problem, endOf: EndOf): Promise<Attributions> {
  const { inputs, rows, settings, baselines } = problem;
  const moments = emptyMoments(inputs, rows.count);
  const terms = inputs.map(({ dims }) => new Float64Array(elementCountOf(dims)));
  const field = problem.open({ coordinates: inputs });
  for (const { count } of sampleGroups(problem)) {
    const draws = Array.from({ length: count * rows.count }, (_, i) => draw(problem, i % rows.count, endOf));
    problem.expect(draws.length);
    await field.gradients(drawnPoints(problem, draws), ({ point, site, gradient }) => {
      const term = terms[site];
      const found = draws[point];
      if (term === undefined || found === undefined) return;
      const start = baselines.read(found.start, found.row, site);
      const end = found.ends[site] ?? start;
      for (let i = 0; i < term.length; i++) term[i] = ((end[i] ?? 0) - (start[i] ?? 0)) * (gradient[i] ?? 0);
      moments[found.row]?.[site]?.add(term);
    });
  }
  const sampleCount = sampleCountOf(settings);
  const from =
    baselines.count > 1
      ? `${String(baselines.count)} baselines.`
      : 'one baseline: set background to a file with many.';
  return {
    ...estimated({
      scores: scoresOf(inputs, moments, ({ mean }) => mean),
      errors: scoresOf(inputs, moments, (found) => found.meanError()),
      sampleCount,
    }),
    isComplete: true,
    notes: [`${String(sampleCount)} draws a row from ${from}`],
  };
}

function draw({ inputs, baselines, random }: Problem, row: number, endOf: EndOf): Draw {
  return {
    row,
    start: random.integer(baselines.count),
    fraction: random.next(),
    ends: inputs.map((_, coordinate) => endOf(row, coordinate)),
  };
}

function drawnPoints({ baselines }: Problem, draws: readonly Draw[]): PointSource {
  return {
    count: draws.length,
    rowOf: (point) => draws[point]?.row ?? 0,
    write(point, coordinate, target) {
      const found = draws[point];
      if (found === undefined) return;
      const start = baselines.read(found.start, found.row, coordinate);
      interpolateInto(target, start, found.ends[coordinate] ?? start, found.fraction);
    },
  };
}
