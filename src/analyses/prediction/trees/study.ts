import { describeTree, type TreeFacts, varianceGains } from '../../../engine/trees/describeTree.js';
import { elementCountOf, toFloat64 } from '../../../onnx/tensorValue.js';
import type { TensorValue } from '../../../onnx/tensorValue.js';
import { UserError } from '../../../base/errors.js';
import { didYouMean } from '../../../base/nearest.js';
import type { AnalysisContext } from '../../analysis.js';
import { withRawTreeScores } from '../attribution/rawTrees.js';
import { readValues } from '../attribution/readValues.js';
import { readRows, type Rows } from '../attribution/rows.js';
import { type Absence, type Contributions, contributionsOf, type TreeRows } from './contributions.js';
import { featureNamesOf } from './featureNames.js';
import { findForests, type Forest } from './forests.js';
import { type Head, type HeadUse, headUse, parseHeads } from './heads.js';

/** Rows whose outputs are shared out when no limit is given. */
export const treeRowCount = 64;

/** What is asked of trees. */
export interface TreeSettings {
  readonly ensemble: string | null;
  readonly heads: string | null;
  readonly absence: 'auto' | Absence;
  readonly background: number;
}

/** An ensemble taken apart. */
export interface TreeStudy {
  readonly forest: Forest;
  /** Names of the model's other ensembles. */
  readonly others: readonly string[];
  readonly trees: readonly TreeFacts[];
  readonly featureNames: readonly string[];
  readonly outputNames: readonly string[];
  readonly heads: readonly Head[];
  readonly use: readonly HeadUse[];
  /** By output and feature; undefined where covers are no counts. */
  readonly gains: readonly Float64Array[] | undefined;
  /** Rows that were read; undefined without data. */
  readonly rows: Rows | undefined;
  readonly outputs: Float64Array | undefined;
  readonly contributions: Contributions | undefined;
}

/**
 * Reads an ensemble, counts what it is made of and, where there are data, shares its outputs out over its features.
 *
 * @throws UserError `no-trees`, `unknown-ensemble`, `wrong-heads`, `no-covers`.
 */
export async function studyTrees(given: AnalysisContext, settings: TreeSettings): Promise<TreeStudy> {
  const { model, skipped } = withRawTreeScores(given.model);
  const context = { ...given, model };
  const forests = findForests(model);
  const forest = chooseForest(forests, settings.ensemble);
  const { ensemble } = forest;
  const trees = ensemble.roots.map((root) => describeTree(ensemble, root));
  const rows = given.data === undefined ? undefined : await readRows(context, { defaultCount: treeRowCount });
  const read = rows === undefined ? undefined : await readTreeRows(context, rows, forest);
  const featureCount = read?.featureCount ?? highestFeature(trees) + 1;
  const featureNames = featureNamesOf(forest.input, featureCount, {
    model,
    feeds: rows?.feeds ?? {},
    columnNames: given.data?.columnNames ?? {},
  });
  const storedNames = outputNamesOf(forest, given.data?.labelNames);
  const heads = parseHeads(settings.heads, storedNames);
  const outputNames = storedNames.map((name, output) => nameInHead(name, output, heads));
  const contributions =
    read === undefined ? undefined : await shareOut(context, { forest, rows: read, settings });
  return {
    forest: {
      ...forest,
      node: given.model.graph.nodes.find(({ outputs }) => outputs.includes(forest.scores)) ?? forest.node,
    },
    others: forests.filter((other) => other !== forest).map(({ name }) => name),
    trees,
    featureNames,
    outputNames,
    heads,
    use: headUse(heads, trees),
    gains: forest.coverProblem === undefined ? varianceGains(ensemble, featureCount) : undefined,
    rows: rows === undefined ? undefined : withTransformWarning(rows, skipped.get(forest.scores)),
    outputs: read?.outputs,
    contributions,
  };
}

/** An output alone in its head is called after it, one of several after both. */
function nameInHead(name: string, output: number, heads: readonly Head[]): string {
  const head = heads.find(({ outputs }) => outputs.includes(output));
  if (head === undefined || head.outputs.length === 1) return head?.name ?? name;
  return `${head.name}: ${name}`;
}

function chooseForest(forests: readonly Forest[], wanted: string | null): Forest {
  const names = forests.map(({ name }) => name);
  const found = wanted === null ? forests[0] : forests.find(({ name }) => name === wanted);
  if (found !== undefined) return found;
  throw new UserError(
    'unknown-ensemble',
    `The model has no tree ensemble "${wanted ?? ''}".${didYouMean(wanted ?? '', names)} Its ensembles are ${names.join(', ')}.`,
  );
}

async function readTreeRows(context: AnalysisContext, rows: Rows, forest: Forest): Promise<TreeRows> {
  const values = await readValues(context, rows, [forest.input, forest.scores]);
  const features = valueOf(values, forest.input);
  return {
    count: rows.count,
    featureCount: elementCountOf(features.dims.slice(1)),
    features: toFloat64(features),
    outputs: toFloat64(valueOf(values, forest.scores)),
  };
}

function valueOf(values: ReadonlyMap<string, TensorValue>, name: string): TensorValue {
  const value = values.get(name);
  if (value === undefined) throw new Error(`Value ${name} was not read.`);
  return value;
}

async function shareOut(
  context: AnalysisContext,
  work: { readonly forest: Forest; readonly rows: TreeRows; readonly settings: TreeSettings },
): Promise<Contributions> {
  const { forest, rows, settings } = work;
  const canDepend = forest.coverProblem === undefined;
  if (settings.absence === 'path-dependent' && !canDepend) throw noCovers(forest);
  const absence =
    settings.absence !== 'auto' ? settings.absence : canDepend ? 'path-dependent' : 'interventional';
  return contributionsOf(forest.ensemble, rows, {
    absence,
    backgroundCount: Math.min(settings.background, rows.count),
    signal: context.signal,
    onRow: (done) => {
      context.progress({
        fractionDone: (0.95 * done) / rows.count,
        message: `Shared out ${done.toLocaleString('en-US')} of ${rows.count.toLocaleString('en-US')} rows`,
      });
    },
  });
}

function noCovers({ name, node }: Forest): UserError {
  const why =
    node.opType === 'TreeEnsemble'
      ? 'a TreeEnsemble stores hit rates of branches and none of leaves, so where a branch ends in two leaves nobody knows how many samples went which way'
      : 'it stores no hit rates (nodes_hitrates) that count training samples';
  return new UserError(
    'no-covers',
    `The path-dependent form needs the covers of ${name}, and ${why}. Use absence=interventional, which takes absent features from rows of the data.`,
  );
}

function highestFeature(trees: readonly TreeFacts[]): number {
  return Math.max(-1, ...trees.flatMap(({ splitsByFeature }) => [...splitsByFeature.keys()]));
}

function outputNamesOf(
  { ensemble, node }: Forest,
  labelNames: readonly string[] | undefined,
): readonly string[] {
  const labels = node.attributes.get('classlabels_strings') ?? node.attributes.get('classlabels_int64s');
  const isClassifier = node.opType === 'TreeEnsembleClassifier';
  return Array.from({ length: ensemble.targetCount }, (_, output) => {
    const stored = labels?.kind === 'strings' || labels?.kind === 'ints' ? labels.value[output] : undefined;
    if (typeof stored === 'string') return stored;
    if (!isClassifier) return `output ${String(output)}`;
    return labelNames?.[Number(stored ?? output)] ?? `class ${String(stored ?? output)}`;
  });
}

function withTransformWarning(rows: Rows, transform: string | undefined): Rows {
  if (transform === undefined) return rows;
  return {
    ...rows,
    warnings: [
      ...rows.warnings,
      `Outputs are the sums of leaves, before ${transform}: only these are shared out exactly.`,
    ],
  };
}
