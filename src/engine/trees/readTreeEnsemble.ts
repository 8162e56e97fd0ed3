import { UserError } from '../../base/errors.js';
import { inlineValue } from '../../onnx/loadTensor.js';
import { type GraphNode, intAttribute, stringAttribute } from '../../onnx/model.js';
import { toFloat64 } from '../../onnx/tensorValue.js';
import type { BranchMode, LeafNode, TreeEnsemble, TreeNode } from './treeEnsemble.js';

/** Tells whether a node is a tree ensemble of any kind. */
export function isTreeEnsemble({ domain, opType }: Pick<GraphNode, 'domain' | 'opType'>): boolean {
  return domain === 'ai.onnx.ml' && opType.startsWith('TreeEnsemble');
}

/**
 * Reads the trees of a `TreeEnsembleRegressor`, `TreeEnsembleClassifier` or (ai.onnx.ml 5) `TreeEnsemble` node.
 *
 * @throws UserError `trees-malformed` when attributes contradict each other or the trees hold a cycle,
 * `trees-not-additive` when leaves are not added up.
 */
export function readTreeEnsemble(node: GraphNode): TreeEnsemble {
  return node.opType === 'TreeEnsemble' ? readFifth(node) : readClassical(node);
}

const classicalModes: Readonly<Record<string, BranchMode>> = {
  BRANCH_LEQ: 'leq',
  BRANCH_LT: 'lt',
  BRANCH_GTE: 'gte',
  BRANCH_GT: 'gt',
  BRANCH_EQ: 'eq',
  BRANCH_NEQ: 'neq',
};

const fifthModes: readonly BranchMode[] = ['leq', 'lt', 'gte', 'gt', 'eq', 'neq', 'member'];

function readClassical(node: GraphNode): TreeEnsemble {
  const prefix = node.opType === 'TreeEnsembleClassifier' ? 'class' : 'target';
  const trees = numbersOf(node, 'nodes_treeids');
  const ids = numbersOf(node, 'nodes_nodeids');
  const indexOf = new Map(trees.map((tree, i) => [keyOf(tree, ids[i]), i]));
  const weights = leafWeights(node, prefix, indexOf);
  const features = numbersOf(node, 'nodes_featureids');
  const thresholds = numbersOf(node, 'nodes_values');
  const covers = numbersOf(node, 'nodes_hitrates');
  const missing = numbersOf(node, 'nodes_missing_value_tracks_true');
  const modes = stringsOf(node, 'nodes_modes');
  const [trueIds, falseIds] = [numbersOf(node, 'nodes_truenodeids'), numbersOf(node, 'nodes_falsenodeids')];
  const build = builderOf(node, (index, child): TreeNode => {
    const cover = covers[index];
    const mode = classicalModes[modes[index] ?? ''];
    if (mode === undefined) return { kind: 'leaf', weights: weights.get(index) ?? [], cover };
    return {
      kind: 'branch',
      feature: features[index] ?? 0,
      mode,
      threshold: thresholds[index] ?? NaN,
      members: undefined,
      isMissingTrue: missing[index] === 1,
      whenTrue: child(indexOf.get(keyOf(trees[index], trueIds[index]))),
      whenFalse: child(indexOf.get(keyOf(trees[index], falseIds[index]))),
      cover,
    };
  });
  const children = new Set(
    trees.flatMap((tree, i) =>
      modes[i] === 'LEAF' ? [] : [keyOf(tree, trueIds[i]), keyOf(tree, falseIds[i])],
    ),
  );
  const roots = trees.flatMap((tree, i) => (children.has(keyOf(tree, ids[i])) ? [] : [build(i)]));
  return { roots, scale: scaleOf(node, roots.length), ...targetsOf(node) };
}

function targetsOf(node: GraphNode): Pick<TreeEnsemble, 'targetCount' | 'isOneScoreForTwo'> {
  if (node.opType !== 'TreeEnsembleClassifier') {
    return { targetCount: intAttribute(node, 'n_targets', 1), isOneScoreForTwo: false };
  }
  const labels = [numbersOf(node, 'classlabels_int64s'), stringsOf(node, 'classlabels_strings')];
  const targetCount = Math.max(...labels.map(({ length }) => length));
  const scoreCount = new Set(numbersOf(node, 'class_ids')).size;
  return { targetCount, isOneScoreForTwo: targetCount === 2 && scoreCount === 1 };
}

function leafWeights(
  node: GraphNode,
  prefix: 'class' | 'target',
  indexOf: ReadonlyMap<string, number>,
): Map<number, LeafNode['weights']> {
  const treeIds = numbersOf(node, `${prefix}_treeids`);
  const nodeIds = numbersOf(node, `${prefix}_nodeids`);
  const targets = numbersOf(node, `${prefix}_ids`);
  const values = numbersOf(node, `${prefix}_weights`);
  const weights = new Map<number, (readonly [number, number])[]>();
  for (const [i, target] of targets.entries()) {
    const index = indexOf.get(keyOf(treeIds[i], nodeIds[i]));
    if (index === undefined) throw malformed(node, `a weight is for a node that is not there`);
    const list = weights.get(index) ?? [];
    list.push([target, values[i] ?? 0]);
    weights.set(index, list);
  }
  return weights;
}

function readFifth(node: GraphNode): TreeEnsemble {
  const features = numbersOf(node, 'nodes_featureids');
  const thresholds = numbersOf(node, 'nodes_splits');
  const modes = numbersOf(node, 'nodes_modes');
  const missing = numbersOf(node, 'nodes_missing_value_tracks_true');
  const sets = memberSets(node, modes);
  const [trueIds, falseIds] = [numbersOf(node, 'nodes_truenodeids'), numbersOf(node, 'nodes_falsenodeids')];
  const [trueLeafs, falseLeafs] = [numbersOf(node, 'nodes_trueleafs'), numbersOf(node, 'nodes_falseleafs')];
  const targets = numbersOf(node, 'leaf_targetids');
  const leaves = numbersOf(node, 'leaf_weights');
  // Hit rates stand for branches only, so the cover of a leaf is not known.
  const leaf = (index: number): LeafNode => ({
    kind: 'leaf',
    weights: [[targets[index] ?? 0, leaves[index] ?? 0]],
    cover: undefined,
  });
  const build = builderOf(node, (index, child): TreeNode => {
    const side = (ids: readonly number[], isLeaf: readonly number[]): TreeNode =>
      isLeaf[index] === 1 ? leaf(ids[index] ?? 0) : child(ids[index]);
    return {
      kind: 'branch',
      feature: features[index] ?? 0,
      mode: fifthModes[modes[index] ?? 0] ?? 'leq',
      threshold: thresholds[index] ?? NaN,
      members: sets.get(index),
      isMissingTrue: missing[index] === 1,
      whenTrue: side(trueIds, trueLeafs),
      whenFalse: side(falseIds, falseLeafs),
      cover: undefined,
    };
  });
  const roots = numbersOf(node, 'tree_roots').map((index) => build(index));
  return {
    roots,
    ...targetsOf(node),
    scale: scaleOf(node, roots.length),
  };
}

/** Sets of member tests, one after the other in `membership_values`, each ended by NaN. */
function memberSets(node: GraphNode, modes: readonly number[]): Map<number, ReadonlySet<number>> {
  const values = numbersOf(node, 'membership_values');
  const sets = new Map<number, ReadonlySet<number>>();
  let next = 0;
  for (const [index, mode] of modes.entries()) {
    if (fifthModes[mode] !== 'member') continue;
    const end = values.findIndex((value, i) => i >= next && Number.isNaN(value));
    const stop = end < 0 ? values.length : end;
    sets.set(index, new Set(values.slice(next, stop)));
    next = stop + 1;
  }
  return sets;
}

/** Returns a function that builds the node of an index, each at most once on the way down. */
function builderOf(
  node: GraphNode,
  make: (index: number, child: (index: number | undefined) => TreeNode) => TreeNode,
): (index: number) => TreeNode {
  const built = new Map<number, TreeNode>();
  const open = new Set<number>();
  const build = (index: number | undefined): TreeNode => {
    if (index === undefined) throw malformed(node, 'a branch leads to a node that is not there');
    const known = built.get(index);
    if (known !== undefined) return known;
    if (open.has(index)) throw malformed(node, 'a branch leads back to a node above it');
    open.add(index);
    const made = make(index, build);
    open.delete(index);
    built.set(index, made);
    return made;
  };
  return build;
}

function scaleOf(node: GraphNode, treeCount: number): number {
  const attribute = node.attributes.get('aggregate_function');
  // A string in the classical operators, a number in version 5.
  const fifth = ['AVERAGE', 'SUM', 'MIN', 'MAX'][intAttribute(node, 'aggregate_function', 1)] ?? 'SUM';
  const name = attribute?.kind === 'string' ? attribute.value : fifth;
  if (name === 'SUM') return 1;
  if (name === 'AVERAGE') return 1 / treeCount;
  throw new UserError(
    'trees-not-additive',
    `The trees of ${node.name === '' ? node.opType : node.name} are combined by ${name}, not added up, so their shares do not add up either. Use method=shapley-exact or method=kernel-shap.`,
    { detail: { aggregate: name } },
  );
}

function keyOf(tree: number | undefined, node: number | undefined): string {
  return `${String(tree)}/${String(node)}`;
}

/** Numbers of an attribute, or of its `_as_tensor` form; empty when absent. */
function numbersOf(node: GraphNode, name: string): readonly number[] {
  const attribute = node.attributes.get(name) ?? node.attributes.get(`${name}_as_tensor`);
  switch (attribute?.kind) {
    case 'floats':
      return attribute.value;
    case 'ints':
      return attribute.value.map(Number);
    case 'tensor': {
      const value = inlineValue(attribute.value);
      if (value === undefined) throw malformed(node, `${name} is stored outside the model`);
      return [...toFloat64(value)];
    }
    default:
      return [];
  }
}

function stringsOf(node: GraphNode, name: string): readonly string[] {
  const attribute = node.attributes.get(name);
  return attribute?.kind === 'strings' ? attribute.value : [];
}

function malformed(node: GraphNode, what: string): UserError {
  return new UserError(
    'trees-malformed',
    `The trees of ${node.name === '' ? node.opType : node.name} cannot be followed: ${what}. Export the model again.`,
    { detail: { node: node.name } },
  );
}

/** Returns the transform that an ensemble applies to its sums: `NONE`, `LOGISTIC`, `SOFTMAX` … */
export function postTransformOf(node: GraphNode): string {
  const fifth = ['NONE', 'SOFTMAX', 'LOGISTIC', 'SOFTMAX_ZERO', 'PROBIT'];
  return node.opType === 'TreeEnsemble'
    ? (fifth[intAttribute(node, 'post_transform', 0)] ?? 'NONE')
    : stringAttribute(node, 'post_transform', 'NONE');
}
