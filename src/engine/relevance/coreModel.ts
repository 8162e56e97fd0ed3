import { type Model, opsetOf } from '../../onnx/model.js';
import type { TypeTable } from '../../onnx/shapes/typeTable.js';
import { constantLookup } from '../gradients/constantLookup.js';
import { findRule } from '../gradients/ruleTable.js';
import { lowerNodes } from '../lowering/lowerNodes.js';
import { findLowering } from '../lowering/loweringTable.js';

/** Returns the model with its composites taken apart into operators that have rules; those that round stay whole. */
export function withoutComposites(model: Model, types: TypeTable): Model {
  const opset = opsetOf(model);
  return lowerNodes(model, {
    nodes: model.graph.nodes,
    isCovered: (node) =>
      findRule(node, { overrides: [], opset }) !== undefined ||
      findLowering(node, opset)?.isStraightThrough === true,
    isPrepared: () => false,
    replacesAll: true,
    typeOf: (name) => types.get(name) ?? { kind: 'unknown' },
    constantsOf: constantLookup,
  }).model;
}
