import { throwIfAborted, yieldToEventLoop } from '../../../../base/abort.js';
import { UserError } from '../../../../base/errors.js';
import { addInterventionalShares, type TreeGame } from '../../../../engine/trees/interventionalShap.js';
import { addPathDependentShares, coverProblem } from '../../../../engine/trees/pathDependentShap.js';
import {
  isTreeEnsemble,
  postTransformOf,
  readTreeEnsemble,
} from '../../../../engine/trees/readTreeEnsemble.js';
import { sumOfLeaves, type TreeEnsemble } from '../../../../engine/trees/treeEnsemble.js';
import { rowOf } from '../points.js';
import type { AttributionMethod, ExplainedTensor, Problem } from '../problem.js';
import { featuresOf, spreadShares } from '../shares.js';
import { columnTracer } from '../../trees/traceColumn.js';

/**
 * TreeSHAP: the exact Shapley values of a tree ensemble, worked out on the trees themselves.
 *
 * `interventional`: absent features come from the baseline, or in turn from every row of a background, as for
 * shapley-exact, without its limit on their number. It assumes that mixed rows mean something to the model. Shares add up
 * to f(x) − mean f(background). `path-dependent`: absent features follow both branches in proportion to the training
 * samples that went there, which needs no background but stored covers; shares add up to f(x) − f without any feature.
 * The two differ where features are correlated. High: the feature raises the explained sum of leaves.
 *
 * Source: Lundberg et al. (2020), "From local explanations to global understanding with explainable AI for trees",
 * https://doi.org/10.1038/s42256-019-0138-9. Differs: f is the sum of leaves before a softmax or logistic transform unless
 * explain=output, which is refused here because shares of a transformed sum do not follow from the trees.
 */
export const treeShap: AttributionMethod = {
  title: 'TreeSHAP',
  scoresAre: 'shares',
  reading:
    'Each score is the exact Shapley value of a feature, worked out on the trees: what it adds to the explained sum of leaves, averaged over all orders in which the features can appear.',
  paperIds: ['lundberg2020', 'lundberg2017', 'alzheimerWorkflow'],
  usesBaseline: true,
  // Trees are walked outside the runtime, as often as about one run takes.
  passesPerRow: () => 1,
  async attribute(problem) {
    const { ensemble, input, targets } = findTrees(problem);
    const features = await featuresOf(problem);
    const isPathDependent = problem.settings.absence === 'path-dependent';
    if (isPathDependent) refuseCovers(ensemble);
    const shares: Float64Array[] = [];
    const starts: number[] = [];
    problem.expect(problem.rows.count);
    for (let row = 0; row < problem.rows.count; row++) {
      throwIfAborted(problem.signal);
      const game: TreeGame = { ensemble, target: targets[row] ?? 0, players: features.idsOf(row, 0) };
      const ofRow = new Float64Array(features.countOf(row));
      const values = rowOf(input, row);
      if (isPathDependent) starts.push(addPathDependentShares(ofRow, game, values));
      else await addAgainstBaselines(problem, { game, row, shares: ofRow, values });
      shares.push(ofRow);
      problem.advance(1);
      await yieldToEventLoop();
    }
    const spread = spreadShares(problem, features, { shares, isComplete: true });
    return isPathDependent
      ? { ...spread, pathStart: await startOf(problem, { ensemble, targets }, starts) }
      : spread;
  },
};

/** Adds the shares against every baseline. */
async function addAgainstBaselines(
  { baselines, signal }: Problem,
  work: {
    readonly game: TreeGame;
    readonly row: number;
    readonly shares: Float64Array;
    readonly values: Float32Array;
  },
): Promise<void> {
  const { game, row, shares, values } = work;
  const weight = 1 / baselines.count;
  for (let index = 0; index < baselines.count; index++) {
    const background = baselines.read(index, row, 0);
    addInterventionalShares(shares, game, { row: values, background, weight });
    if (index % 16 === 15) {
      throwIfAborted(signal);
      await yieldToEventLoop();
    }
  }
}

/** f without any feature: the trees' own expectation, moved by what the runtime adds to their sums (base values). */
async function startOf(
  problem: Problem,
  { ensemble, targets }: Pick<ExplainedTrees, 'ensemble' | 'targets'>,
  starts: readonly number[],
): Promise<Float64Array> {
  const { rows, baselines, inputs } = problem;
  problem.expect(rows.count);
  const atBaseline = await problem.open({ coordinates: inputs }).values({
    count: rows.count,
    rowOf: (point) => point,
    write: (point, coordinate, target) => {
      target.set(baselines.read(0, point, coordinate));
    },
  });
  return atBaseline.map((value, row) => {
    const baseline = baselines.read(0, row, 0);
    return value - sumOfLeaves(ensemble, baseline, targets[row] ?? 0) + (starts[row] ?? NaN);
  });
}

/** Trees that make the explained value. */
interface ExplainedTrees {
  readonly ensemble: TreeEnsemble;
  readonly input: ExplainedTensor;
  /** The output of the trees that is explained in each row. */
  readonly targets: readonly number[];
}

/** The one ensemble that makes the explained value of the one explained input. */
function findTrees({ model, selection, inputs, rows }: Problem): ExplainedTrees {
  if (selection.kind !== 'element') throw notTrees('its explained value is not made by one');
  const trace = columnTracer(model);
  const { node } = trace(selection.value, 0);
  if (node === undefined || !isTreeEnsemble(node)) throw notTrees('its explained value is not made by one');
  const [input] = inputs;
  const source = trace(node.inputs[0] ?? '', 0);
  if (input === undefined || inputs.length > 1 || source.value !== input.value || source.isPicked) {
    throw notTrees('its trees do not read one explained input as it is');
  }
  if (postTransformOf(node) !== 'NONE') throw transformed(postTransformOf(node));
  const targets = Array.from(
    { length: rows.count },
    (_, row) => trace(selection.value, selection.indices[row]?.at(-1) ?? 0).column,
  );
  return { ensemble: readTreeEnsemble(node), input, targets };
}

function notTrees(reason: string): UserError {
  return new UserError(
    'not-a-tree-ensemble',
    `method=tree-shap needs a tree ensemble (ai.onnx.ml) from input to output, and this model has none that fits: ${reason}. Use method=shapley-exact, method=shapley-sampling or method=kernel-shap.`,
  );
}

function transformed(transform: string): UserError {
  return new UserError(
    'trees-transformed',
    `With explain=output the sum of leaves goes through ${transform}, whose shares do not follow from the trees. Leave explain at auto, or use method=kernel-shap.`,
    { detail: { transform } },
  );
}

function refuseCovers(ensemble: TreeEnsemble): void {
  const problem = coverProblem(ensemble);
  if (problem === undefined) return;
  const what = {
    missing: 'The model stores no covers (nodes_hitrates) for its trees',
    constant:
      'All covers (nodes_hitrates) of the model are the same number, which exporters write when they know none',
    inconsistent: 'The covers (nodes_hitrates) of the branches of a node do not add up to its own',
  }[problem];
  throw new UserError(
    'no-covers',
    `${what}, so path-dependent Shapley values cannot be worked out. Use absence=interventional with a background of training rows.`,
    { detail: { problem } },
  );
}
