import { UserError } from '../../../../base/errors.js';
import { quadrature, type Quadrature } from '../../../../engine/numeric/quadrature.js';
import { addScaled, interpolateInto } from '../../../../engine/numeric/vectors.js';
import { elementCountOf } from '../../../../onnx/tensorValue.js';
import type { PointSource } from '../field.js';
import { passesPerGradient } from '../passes.js';
import type { Paths } from '../paths.js';
import { readLayerStarts } from '../layerStarts.js';
import { emptyScores, rowOf } from '../points.js';
import type { AttributionMethod, Attributions, ExplainedTensor, Problem } from '../problem.js';

/**
 * Integrated gradients: (xᵢ − bᵢ) ∫₀¹ ∂f/∂xᵢ (b + α (x − b)) dα, the integral by a quadrature of `steps` points.
 *
 * Assumes that the straight path from the baseline to the input means something to the model. The scores of a row add up
 * to f(x) − f(b); `completenessError` is what the quadrature leaves. High: the element moved the prediction up on its way
 * from the baseline. Caveat: an element equal to its baseline scores zero, so choose a baseline that is really "nothing".
 *
 * With a layer and `path=layer` the path runs in the layer's space from L(b) to L(x), other inputs at x. With `path=input`
 * it runs in the input's space: conductance Σₖ ∂f/∂L(xₖ) · (L(xₖ₊₁) − L(xₖ)) over `steps` + 1 points, the gradient at the
 * left end of each interval; with `multiply` off internal influence, the mean of ∂f/∂L. With `through` only the gradient
 * that passes a unit counts (neuron conductance).
 *
 * Source: Sundararajan, Taly & Yan (2017), "Axiomatic Attribution for Deep Networks", https://arxiv.org/abs/1703.01365;
 * Dhamdhere, Sundararajan & Yan (2018), "How Important Is a Neuron?", https://arxiv.org/abs/1805.12233; Leino et al.
 * (2018), "Influence-Directed Explanations for Deep Convolutional Networks", https://arxiv.org/abs/1802.03788.
 * Differs: Gauss–Legendre in place of the paper's right Riemann sum; conductance in the difference form of Captum.
 */
export const integratedGradients: AttributionMethod = {
  title: 'Integrated gradients',
  scoresAre: 'shares',
  reading:
    'Each score is the element’s share of f(x) − f(baseline), collected along the straight path from the baseline to the input.',
  paperIds: ['sundararajan2017', 'dhamdhere2018', 'leino2018'],
  usesBaseline: true,
  passesPerRow: ({ steps }) => steps * passesPerGradient,
  whyIncomplete: ({ quadrature: rule, steps }) => {
    const more = `aise steps, e.g. steps=${String(steps * 4)}.`;
    return {
      severity: 'warning',
      reason: 'the path is sampled too coarsely',
      advice:
        rule === 'gauss-legendre' || rule === 'middle'
          ? `R${more}`
          : `Use quadrature=gauss-legendre, or r${more}`,
    };
  },
  attribute: async (problem) => {
    const { quadrature: rule, steps } = problem.settings;
    const how = `${rule} with ${String(steps)} steps`;
    return { ...(await integrate(problem)), evidence: { kind: 'estimated', n: problem.rows.count, how } };
  },
};

/** Integrates in the space and along the path that the settings ask for. */
function integrate(problem: Problem): Promise<Attributions> {
  if (problem.settings.quadrature === 'trapezoid' && problem.settings.steps < 2) throw tooFewSteps();
  if (problem.layer === undefined) return alongPath(problem, inputPath(problem));
  if (problem.settings.path === 'layer') return alongLayerPath(problem, problem.layer);
  return problem.settings.multiply
    ? conductance(problem, problem.layer)
    : alongPath(problem, { ...inputPath(problem), sites: [problem.layer] });
}

function tooFewSteps(): UserError {
  return new UserError(
    'too-few-steps',
    'quadrature=trapezoid needs at least 2 steps: its first and last point are the ends of the path. Set steps=2 or more.',
  );
}

/** Straight paths, one per row and baseline, and where gradients are taken on them. */
interface Path {
  readonly coordinates: readonly ExplainedTensor[];
  readonly sites: readonly ExplainedTensor[];
  readonly startCount: number;
  start(index: number, row: number, coordinate: number): Float32Array;
}

function inputPath({ inputs, baselines }: Problem): Path {
  return {
    coordinates: inputs,
    sites: inputs,
    startCount: baselines.count,
    start: (index, row, coordinate) => baselines.read(index, row, coordinate),
  };
}

/** Points of all paths: start by start, row by row, step by step. */
function pathPoints(path: Path, rowCount: number, fractions: Float64Array): PointSource {
  const steps = fractions.length;
  return {
    count: path.startCount * rowCount * steps,
    rowOf: (point) => Math.floor(point / steps) % rowCount,
    write(point, coordinate, target) {
      const row = Math.floor(point / steps) % rowCount;
      const start = path.start(Math.floor(point / (steps * rowCount)), row, coordinate);
      const tensor = path.coordinates[coordinate];
      if (tensor === undefined) return;
      interpolateInto(target, start, rowOf(tensor, row), fractions[point % steps] ?? 0);
    },
  };
}

async function alongPath(problem: Problem, path: Path): Promise<Attributions> {
  const { settings, rows } = problem;
  const { coordinates, sites } = path;
  const rule: Quadrature = quadrature(settings.quadrature, settings.steps);
  const paths = straightPaths(path, rows.count);
  const scores = sites.map((site) => emptyScores(site, rows.count));
  const field = problem.openPaths({ coordinates, sites, gate: problem.gate });
  const isMultiplied = settings.multiply && sites === coordinates;
  problem.expect(paths.count * settings.steps);
  await field.gradients(paths, rule, ({ path: index, site, gradient }) => {
    const row = paths.rowOf(index);
    if (isMultiplied) {
      const start = path.start(Math.floor(index / rows.count), row, site);
      multiplyByDistance(gradient, coordinates[site], row, start);
    }
    addScaled(scores[site]?.row(row) ?? new Float64Array(), gradient, 1 / path.startCount);
  });
  return { scores, isComplete: isMultiplied && problem.gate === undefined };
}

/** Paths start by start, row by row. */
function straightPaths(path: Path, rowCount: number): Paths {
  return {
    count: path.startCount * rowCount,
    rowOf: (index) => index % rowCount,
    writeStart(index, coordinate, target) {
      target.set(path.start(Math.floor(index / rowCount), index % rowCount, coordinate));
    },
    writeEnd(index, coordinate, target) {
      const tensor = path.coordinates[coordinate];
      if (tensor !== undefined) target.set(rowOf(tensor, index % rowCount));
    },
  };
}

function multiplyByDistance(
  mean: Float64Array,
  tensor: ExplainedTensor | undefined,
  row: number,
  start: Float32Array,
): void {
  if (tensor === undefined) return;
  const end = rowOf(tensor, row);
  for (let i = 0; i < mean.length; i++) mean[i] = (mean[i] ?? 0) * ((end[i] ?? 0) - (start[i] ?? 0));
}

/** The path in the layer's space: L(b) is measured first, for every baseline and row. */
async function alongLayerPath(problem: Problem, layer: ExplainedTensor): Promise<Attributions> {
  const starts = await readLayerStarts(problem, layer);
  const coordinates = [layer];
  const path = {
    coordinates,
    sites: coordinates,
    startCount: problem.baselines.count,
    start: (index: number, row: number) => starts.read(index, row),
  };
  return { ...(await alongPath(problem, path)), pathStart: await starts.meanValues() };
}

/** Σₖ ∂f/∂L(xₖ) · (L(xₖ₊₁) − L(xₖ)) over `steps` + 1 points of the quadrature on the input's path. */
async function conductance(problem: Problem, layer: ExplainedTensor): Promise<Attributions> {
  const { settings, rows, inputs } = problem;
  const path = inputPath(problem);
  const count = settings.steps + 1;
  const points = pathPoints(path, rows.count, quadrature(settings.quadrature, count).points);
  const scores = emptyScores(layer, rows.count);
  const size = elementCountOf(layer.dims);
  const before = { gradient: new Float64Array(size), value: new Float64Array(size) };
  problem.expect(points.count);
  await problem.open({ coordinates: inputs, sites: [layer] }).gradientsAndValues(points, (result) => {
    const target = scores.row(points.rowOf(result.point));
    const isFirst = result.point % count === 0;
    for (let i = 0; i < size; i++) {
      const value = result.value[i] ?? 0;
      const change = (before.gradient[i] ?? 0) * (value - (before.value[i] ?? 0));
      if (!isFirst) target[i] = (target[i] ?? 0) + change / path.startCount;
      before.gradient[i] = result.gradient[i] ?? 0;
      before.value[i] = value;
    }
  });
  return { scores: [scores], isComplete: true };
}
