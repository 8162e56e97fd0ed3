import type { Random } from '../../src/base/random.js';
import { GraphBuilder } from '../../src/engine/graph/graphBuilder.js';
import type { Attribute, Model } from '../../src/onnx/model.js';
import { float32Tensor, type TensorValue } from '../../src/onnx/tensorValue.js';
import { emptyModel, floatType } from './modelBuilder.js';

/** A planted node: a leaf, or a question about a feature with its branches. */
export type PlantedNode =
  | { readonly values: readonly number[]; readonly cover: number }
  | {
      readonly feature: number;
      readonly threshold: number;
      readonly yes: PlantedNode;
      readonly no: PlantedNode;
      readonly cover: number;
    };

/** Grows a random tree over columns with covers that add up; columns may be asked about twice on a path. */
export function randomTree(
  random: Random,
  options: { readonly columns: number; readonly depth: number; readonly targets: number },
  cover = 64,
): PlantedNode {
  const { columns, depth, targets } = options;
  if (depth === 0 || cover < 4 || random.next() < 0.1) {
    return { values: Array.from({ length: targets }, () => Math.fround(random.normal())), cover };
  }
  const yesCover = 1 + random.integer(cover - 1);
  const below = { ...options, depth: depth - 1 };
  return {
    feature: random.integer(columns),
    threshold: Math.fround(random.normal()),
    yes: randomTree(random, below, yesCover),
    no: randomTree(random, below, cover - yesCover),
    cover,
  };
}

/** How trees are written into a model. */
export interface TreeModelOptions {
  readonly columns: number;
  readonly targets: number;
  readonly kind: 'regressor' | 'classifier' | 'fifth';
  readonly postTransform?: string;
  readonly aggregate?: string;
  /** `none`: no hit rates; `constant`: all 1, as some exporters write them. */
  readonly covers?: 'true' | 'none' | 'constant';
  readonly baseValues?: readonly number[];
  readonly mode?: string;
}

/** Returns a model of planted trees; classifiers with one target give the score of the second of two classes. */
export function treeModel(trees: readonly PlantedNode[], options: TreeModelOptions): Model {
  const builder = new GraphBuilder(emptyModel());
  const input = builder.addInput('x', floatType('N', options.columns));
  if (options.kind === 'fifth') {
    const attributes = fifthAttributes(trees, options);
    const scores = builder.node('TreeEnsemble', [input], { domain: 'ai.onnx.ml', attributes });
    builder.addOutput(scores, floatType('N', options.targets));
    return withMl(builder.build(), 5);
  }
  const attributes = classicalAttributes(trees, options);
  if (options.kind === 'regressor') {
    const scores = builder.node('TreeEnsembleRegressor', [input], { domain: 'ai.onnx.ml', attributes });
    builder.addOutput(scores, floatType('N', options.targets));
    return withMl(builder.build(), 3);
  }
  const outputs = ['label', 'scores'];
  const domain = 'ai.onnx.ml';
  builder.node('TreeEnsembleClassifier', [input], { domain, attributes, outputs });
  builder.addOutput('label', { kind: 'tensor', elementType: 'int64', shape: ['N'] });
  builder.addOutput('scores', floatType('N', Math.max(2, options.targets)));
  return withMl(builder.build(), 3);
}

/** Returns what the trees give for a row, in float64. */
export function plantedOutput(trees: readonly PlantedNode[], row: ArrayLike<number>, target = 0): number {
  return trees.reduce((sum, tree) => sum + leafOf(tree, row)[target]!, 0);
}

/** Returns v(S) of a tree whose absent columns follow both branches by cover; `present` has a bit per column. */
export function coverExpectation(
  node: PlantedNode,
  row: ArrayLike<number>,
  { present, target = 0 }: { readonly present: number; readonly target?: number },
): number {
  if ('values' in node) return node.values[target]!;
  const follow = (child: PlantedNode): number => coverExpectation(child, row, { present, target });
  if (((present >> node.feature) & 1) === 1) {
    return follow(row[node.feature]! <= node.threshold ? node.yes : node.no);
  }
  return (follow(node.yes) * node.yes.cover + follow(node.no) * node.no.cover) / node.cover;
}

function leafOf(node: PlantedNode, row: ArrayLike<number>): readonly number[] {
  if ('values' in node) return node.values;
  return leafOf(row[node.feature]! <= node.threshold ? node.yes : node.no, row);
}

function withMl(model: Model, version: number): Model {
  return { ...model, opsets: new Map([...model.opsets, ['ai.onnx.ml', version]]) };
}

const floats = (value: readonly number[]): Attribute => ({ kind: 'floats', value });
const ints = (value: readonly number[]): Attribute => ({ kind: 'ints', value: value.map(BigInt) });
const strings = (value: readonly string[]): Attribute => ({ kind: 'strings', value });
const int = (value: number): Attribute => ({ kind: 'int', value: BigInt(value) });
const string = (value: string): Attribute => ({ kind: 'string', value });

function classicalAttributes(
  trees: readonly PlantedNode[],
  options: TreeModelOptions,
): Record<string, Attribute> {
  const nodes: { tree: number; id: number; node: PlantedNode; yes: number; no: number }[] = [];
  for (const [tree, root] of trees.entries()) {
    let next = 0;
    const place = (node: PlantedNode): number => {
      const entry = { tree, id: next++, node, yes: 0, no: 0 };
      nodes.push(entry);
      if (!('values' in node)) {
        entry.yes = place(node.yes);
        entry.no = place(node.no);
      }
      return entry.id;
    };
    place(root);
  }
  const leaves = nodes.flatMap(({ tree, id, node }) =>
    'values' in node ? node.values.map((value, target) => ({ tree, id, value, target })) : [],
  );
  const isClassifier = options.kind === 'classifier';
  const prefix = isClassifier ? 'class' : 'target';
  const branch = <T>(pick: (node: Exclude<PlantedNode, { values: unknown }>) => T, leaf: T): T[] =>
    nodes.map(({ node }) => ('values' in node ? leaf : pick(node)));
  const { covers = 'true', postTransform = 'NONE', aggregate, baseValues } = options;
  const labels = ints(Array.from({ length: Math.max(2, options.targets) }, (_, i) => i));
  return {
    nodes_treeids: ints(nodes.map(({ tree }) => tree)),
    nodes_nodeids: ints(nodes.map(({ id }) => id)),
    nodes_featureids: ints(branch(({ feature }) => feature, 0)),
    nodes_values: floats(branch(({ threshold }) => threshold, 0)),
    nodes_modes: strings(branch(() => options.mode ?? 'BRANCH_LEQ', 'LEAF')),
    nodes_truenodeids: ints(nodes.map(({ yes }) => yes)),
    nodes_falsenodeids: ints(nodes.map(({ no }) => no)),
    ...(covers === 'none'
      ? {}
      : { nodes_hitrates: floats(nodes.map(({ node }) => (covers === 'constant' ? 1 : node.cover))) }),
    [`${prefix}_treeids`]: ints(leaves.map(({ tree }) => tree)),
    [`${prefix}_nodeids`]: ints(leaves.map(({ id }) => id)),
    [`${prefix}_ids`]: ints(leaves.map(({ target }) => target)),
    [`${prefix}_weights`]: floats(leaves.map(({ value }) => value)),
    post_transform: string(postTransform),
    ...(baseValues === undefined ? {} : { base_values: floats(baseValues) }),
    ...(isClassifier ? { classlabels_int64s: labels } : { n_targets: int(options.targets) }),
    ...(aggregate === undefined ? {} : { aggregate_function: string(aggregate) }),
  };
}

function fifthAttributes(
  trees: readonly PlantedNode[],
  options: TreeModelOptions,
): Record<string, Attribute> {
  const branches: { feature: number; threshold: number; sides: [number, number]; leaf: [number, number] }[] =
    [];
  const leaves: number[] = [];
  const place = (node: PlantedNode): { id: number; isLeaf: number } => {
    if ('values' in node) return { id: leaves.push(node.values[0]!) - 1, isLeaf: 1 };
    const entry: (typeof branches)[number] = {
      feature: node.feature,
      threshold: node.threshold,
      sides: [0, 0],
      leaf: [0, 0],
    };
    const id = branches.push(entry) - 1;
    for (const [side, child] of [node.yes, node.no].entries()) {
      const placed = place(child);
      entry.sides[side] = placed.id;
      entry.leaf[side] = placed.isLeaf;
    }
    return { id, isLeaf: 0 };
  };
  const roots = trees.map((tree) => place(tree).id);
  const tensor = (value: TensorValue): Attribute => {
    const bytes = new Uint8Array(
      value.data instanceof Float32Array ? value.data.slice().buffer : (value.data as Uint8Array).slice(),
    );
    return {
      kind: 'tensor',
      value: { name: '', elementType: value.dtype, dims: value.dims, source: { kind: 'inline', bytes } },
    };
  };
  const modes = new Uint8Array(branches.length);
  return {
    nodes_featureids: ints(branches.map(({ feature }) => feature)),
    nodes_splits: tensor(
      float32Tensor(
        branches.map(({ threshold }) => threshold),
        [branches.length],
      ),
    ),
    nodes_modes: tensor({ dtype: 'uint8', dims: [modes.length], data: modes }),
    nodes_truenodeids: ints(branches.map(({ sides }) => sides[0])),
    nodes_falsenodeids: ints(branches.map(({ sides }) => sides[1])),
    nodes_trueleafs: ints(branches.map(({ leaf }) => leaf[0])),
    nodes_falseleafs: ints(branches.map(({ leaf }) => leaf[1])),
    leaf_targetids: ints(leaves.map(() => 0)),
    leaf_weights: tensor(float32Tensor(leaves, [leaves.length])),
    tree_roots: ints(roots),
    n_targets: int(options.targets),
    aggregate_function: int(options.aggregate === 'AVERAGE' ? 0 : 1),
    post_transform: int(options.postTransform === 'LOGISTIC' ? 2 : 0),
  };
}
