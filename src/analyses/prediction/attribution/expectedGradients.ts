import { interpolateInto } from '../../../engine/numeric/vectors.js';
import { elementCountOf } from '../../../onnx/tensorValue.js';
import type { PointSource } from './field.js';
import { passesPerGradient } from './passes.js';
import { type LayerStarts, readLayerStarts } from './layerStarts.js';
import { rowOf } from './points.js';
import type { AttributionMethod, Attributions, ExplainedTensor, Problem } from './problem.js';
import {
  emptyMoments,
  estimated,
  type RowMoments,
  sampleCountOf,
  sampleGroups,
  scoresOf,
} from './sampled.js';

/** One draw for one row: the baseline it starts at, how far along it is looked at, and where it ends. */
interface Draw {
  readonly row: number;
  readonly start: number;
  readonly fraction: number;
  /** End of the path per input, where that is not the row itself. */
  readonly ends: readonly Float32Array[] | undefined;
}

/** Where paths end, near the row. */
type EndOf = (row: number, coordinate: number) => Float32Array;

/** Both ends of the paths of a group of draws, in the space of some tensors. */
interface PathEnds {
  start(draw: number, coordinate: number): Float32Array;
  end(draw: number, coordinate: number): Float32Array;
}

/** Returns the settings that both methods share. */
export const expectedGradientsFacts = {
  usesBaseline: true,
  // With a layer, each noisy end is run once more, to know the layer there.
  passesPerRow: (settings) =>
    sampleCountOf(settings) * (passesPerGradient + (settings.layer === null ? 0 : 1)),
  whyIncomplete: (settings) => ({
    severity: 'warning',
    reason: 'the scores are an average over too few random samples',
    advice: `Raise samples, e.g. samples=${String(sampleCountOf(settings) * 4)}, or use method=integrated-gradients with the same background.`,
  }),
} as const satisfies Partial<AttributionMethod>;

/**
 * Returns the mean of (x′ − b) · ∂f/∂x (b + α (x′ − b)) over draws of a baseline b, a fraction α and, by `endOf`, an end x′
 * (default the row itself).
 *
 * With a layer L: `path=layer` takes L(b) and L(x′) in the place of b and x′, other inputs at the row; `path=input` takes the
 * gradient by L at b + α (x′ − b), times L(x′) − L(b), which does not add up where L is no linear function of the input.
 *
 * @throws UserError `too-few-samples`.
 */
export async function expectedGradients(problem: Problem, endOf?: EndOf): Promise<Attributions> {
  const { inputs, layer, rows, settings } = problem;
  const sites = layer === undefined ? inputs : [layer];
  const isInLayer = layer !== undefined && settings.path === 'layer';
  const starts = layer === undefined ? undefined : await readLayerStarts(problem, layer);
  const moments = emptyMoments(sites, rows.count);
  const terms = sites.map(({ dims }) => new Float64Array(elementCountOf(dims)));
  const field = problem.open({ coordinates: isInLayer ? sites : inputs, sites });
  for (const { count } of sampleGroups(problem)) {
    const draws = Array.from({ length: count * rows.count }, (_, i) => draw(problem, i % rows.count, endOf));
    const inputEnds = endsAtInputs(problem, draws);
    const siteEnds =
      layer === undefined || starts === undefined
        ? inputEnds
        : await endsAtLayer(problem, draws, { layer, starts, inputEnds });
    problem.expect(draws.length);
    const points = drawnPoints(draws, isInLayer ? siteEnds : inputEnds);
    await field.gradients(points, ({ point, site, gradient }) => {
      const term = terms[site];
      if (term === undefined) return;
      const [start, end] = [siteEnds.start(point, site), siteEnds.end(point, site)];
      for (let i = 0; i < term.length; i++) term[i] = ((end[i] ?? 0) - (start[i] ?? 0)) * (gradient[i] ?? 0);
      moments[points.rowOf(point)]?.[site]?.add(term);
    });
  }
  const found = estimatesOf(problem, sites, moments);
  if (layer === undefined) return { ...found, isComplete: true };
  if (!isInLayer || starts === undefined) return { ...found, isComplete: false };
  return { ...found, isComplete: true, pathStart: await starts.meanValues() };
}

function estimatesOf(
  { settings, baselines }: Problem,
  sites: readonly ExplainedTensor[],
  moments: RowMoments,
): Omit<Attributions, 'isComplete'> {
  const sampleCount = sampleCountOf(settings);
  const from =
    baselines.count > 1
      ? `${String(baselines.count)} baselines.`
      : 'one baseline: set background to a file with many.';
  return {
    ...estimated({
      scores: scoresOf(sites, moments, ({ mean }) => mean),
      errors: scoresOf(sites, moments, (found) => found.meanError()),
      sampleCount,
    }),
    notes: [`${String(sampleCount)} draws a row from ${from}`],
  };
}

function draw({ inputs, baselines, random }: Problem, row: number, endOf: EndOf | undefined): Draw {
  return {
    row,
    start: random.integer(baselines.count),
    fraction: random.next(),
    ends: endOf === undefined ? undefined : inputs.map((_, coordinate) => endOf(row, coordinate)),
  };
}

function endsAtInputs({ inputs, baselines }: Problem, draws: readonly Draw[]): PathEnds {
  return {
    start: (index, coordinate) => {
      const { start, row } = drawAt(draws, index);
      return baselines.read(start, row, coordinate);
    },
    end: (index, coordinate) => {
      const { ends, row } = drawAt(draws, index);
      return ends?.[coordinate] ?? rowOf(inputAt(inputs, coordinate), row);
    },
  };
}

/** Ends that are not the rows themselves are run to know the layer there. */
async function endsAtLayer(
  problem: Problem,
  draws: readonly Draw[],
  at: { readonly layer: ExplainedTensor; readonly starts: LayerStarts; readonly inputEnds: PathEnds },
): Promise<PathEnds> {
  const { layer, starts, inputEnds } = at;
  const start: PathEnds['start'] = (index) => {
    const found = drawAt(draws, index);
    return starts.read(found.start, found.row);
  };
  if (draws.every(({ ends }) => ends === undefined)) {
    return { start, end: (index) => rowOf(layer, drawAt(draws, index).row) };
  }
  const ends = draws.map(() => new Float32Array());
  problem.expect(draws.length);
  const points: PointSource = {
    count: draws.length,
    rowOf: (point) => drawAt(draws, point).row,
    write: (point, coordinate, target) => {
      target.set(inputEnds.end(point, coordinate));
    },
  };
  const field = problem.open({ coordinates: problem.inputs, sites: [layer] });
  await field.observe(points, ({ point, value }) => {
    ends[point] = Float32Array.from(value);
  });
  return { start, end: (index) => ends[index] ?? new Float32Array() };
}

function drawnPoints(draws: readonly Draw[], ends: PathEnds): PointSource {
  return {
    count: draws.length,
    rowOf: (point) => drawAt(draws, point).row,
    write(point, coordinate, target) {
      const { fraction } = drawAt(draws, point);
      interpolateInto(target, ends.start(point, coordinate), ends.end(point, coordinate), fraction);
    },
  };
}

function drawAt(draws: readonly Draw[], index: number): Draw {
  const found = draws[index];
  if (found === undefined) throw new Error(`There is no draw ${String(index)}.`);
  return found;
}

/** Returns a coordinate tensor. */
export function inputAt(inputs: readonly ExplainedTensor[], coordinate: number): ExplainedTensor {
  const input = inputs[coordinate];
  if (input === undefined) throw new Error(`There is no coordinate ${String(coordinate)}.`);
  return input;
}
