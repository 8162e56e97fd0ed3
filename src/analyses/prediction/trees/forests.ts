import { UserError } from '../../../base/errors.js';
import { coverProblem } from '../../../engine/trees/pathDependentShap.js';
import { isTreeEnsemble, readTreeEnsemble } from '../../../engine/trees/readTreeEnsemble.js';
import type { TreeEnsemble } from '../../../engine/trees/treeEnsemble.js';
import type { GraphNode, Model } from '../../../onnx/model.js';

/** A tree ensemble of a model. */
export interface Forest {
  readonly name: string;
  readonly node: GraphNode;
  readonly ensemble: TreeEnsemble;
  /** Value that its rows are read from. */
  readonly input: string;
  /** Value with a score per output. */
  readonly scores: string;
  /** Why its covers are no counts of training samples; undefined where they are. */
  readonly coverProblem: ReturnType<typeof coverProblem>;
}

/**
 * Returns the tree ensembles of a model in file order.
 *
 * @throws UserError `no-trees` when there is none.
 */
export function findForests({ graph }: Model): Forest[] {
  const nodes = graph.nodes.filter(isTreeEnsemble);
  if (nodes.length === 0) {
    throw new UserError(
      'no-trees',
      `The model has no tree ensemble (TreeEnsembleRegressor, TreeEnsembleClassifier or TreeEnsemble of ai.onnx.ml) in its main graph. Its operators are ${operatorsOf(graph.nodes)}. Use attribution for other models.`,
    );
  }
  return nodes.map((node, index) => {
    const ensemble = readTreeEnsemble(node);
    return {
      name: node.name === '' ? `trees_${String(index)}` : node.name,
      node,
      ensemble,
      input: node.inputs[0] ?? '',
      scores: (node.opType === 'TreeEnsembleClassifier' ? node.outputs[1] : node.outputs[0]) ?? '',
      coverProblem: coverProblem(ensemble),
    };
  });
}

/** Operators named in a message at most. */
const namedOperatorCount = 8;

function operatorsOf(nodes: readonly GraphNode[]): string {
  const names = [...new Set(nodes.map(({ opType }) => opType))];
  return names.slice(0, namedOperatorCount).join(', ') + (names.length > namedOperatorCount ? ', …' : '');
}
