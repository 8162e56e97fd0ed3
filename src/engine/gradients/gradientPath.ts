import { dataTypeFacts } from '../../onnx/dataTypes.js';
import { readsOf } from '../../onnx/graphIndex.js';
import { bodiesOf, type GraphNode, type Model, type ValueType } from '../../onnx/model.js';
import type { TypeTable } from '../../onnx/shapes/typeTable.js';
import { findLowering } from '../lowering/loweringTable.js';
import { lowerNodes, sharperType } from '../lowering/lowerNodes.js';
import { constantLookup } from './constantLookup.js';
import { noGradientReason } from './noGradient.js';
import { findRule, type RuleChoice } from './ruleTable.js';

/** Returns the type of a value; `unknown` where nobody could tell. */
export type TypeLookup = (name: string) => ValueType;

/** Between which values gradients are wanted. */
export interface PathRequest {
  readonly seeds: readonly { readonly value: string }[];
  readonly wrt: readonly string[];
  readonly types: TypeTable;
}

/** Where gradients flow. */
export interface GradientPath {
  /** The model with the composites on the path taken apart. */
  readonly model: Model;
  /** Core nodes that lie between a wanted value and a seed, in topological order. */
  readonly nodes: readonly GraphNode[];
  /** Values that depend on a wanted one (or are one) through differentiable operators. */
  readonly active: ReadonlySet<string>;
  /** Types of the values; a quantised one that carries a gradient counts as float32, which its cotangent is. */
  readonly typeOf: TypeLookup;
}

/** Finds what lies between the wanted values and the seeds, and lowers the composites there. */
export function gradientPath(
  model: Model,
  request: PathRequest,
  { order, choice }: { readonly order: readonly GraphNode[]; readonly choice: RuleChoice },
): GradientPath {
  const typeOf = typeLookup(model, request.types);
  const whole = findPath(order, request, { typeOf, choice, carried: new Set() });
  const lowered = lowerNodes(model, {
    nodes: whole.nodes,
    isCovered: (node) => findRule(node, choice) !== undefined,
    // A body is given outputs too.
    isPrepared: (node) => findRule(node, choice)?.prepare !== undefined || bodiesOf(node).length > 0,
    typeOf,
    constantsOf: constantLookup,
  });
  const typeInside: TypeLookup = (name) => sharperType(typeOf(name), lowered.types.get(name));
  const { carried } = whole;
  const path = findPath(lowered.nodes, request, { typeOf: typeInside, choice, carried });
  return {
    ...path,
    model: lowered.model,
    typeOf: (name) => {
      const type = typeInside(name);
      return path.carried.has(name) && type.kind === 'tensor' ? { ...type, elementType: 'float32' } : type;
    },
  };
}

function typeLookup(model: Model, types: TypeTable): TypeLookup {
  const { initializers, inputs, valueInfo } = model.graph;
  const inputTypes = new Map(inputs.map((input) => [input.name, input.type]));
  return (name) => {
    const initializer = initializers.get(name);
    if (initializer !== undefined) {
      return { kind: 'tensor', elementType: initializer.elementType, shape: initializer.dims };
    }
    return types.get(name) ?? inputTypes.get(name) ?? valueInfo.get(name)?.type ?? { kind: 'unknown' };
  };
}

interface PathFacts {
  readonly typeOf: TypeLookup;
  readonly choice: RuleChoice;
  /** Quantised values known to carry a gradient. */
  readonly carried: ReadonlySet<string>;
}

interface Path {
  readonly nodes: readonly GraphNode[];
  readonly active: ReadonlySet<string>;
  /** Values of whole numbers that stand for real ones and carry their gradient. */
  readonly carried: ReadonlySet<string>;
}

/** Only descendants of `wrt` that are ancestors of a seed are differentiated. */
function findPath(nodes: readonly GraphNode[], request: PathRequest, facts: PathFacts): Path {
  const active = new Set(request.wrt);
  const carried = new Set(facts.carried);
  for (const node of nodes) {
    if (noGradientReason(node) !== undefined || !touches(node, active)) continue;
    const isCarrier = carriesWholeNumbers(node, carried, facts.choice);
    for (const output of node.outputs) {
      if (isDifferentiable(facts.typeOf(output)) || carried.has(output)) active.add(output);
      else if (isCarrier) {
        carried.add(output);
        active.add(output);
      }
    }
  }
  const relevant = new Set(request.seeds.map((seed) => seed.value));
  const onPath: GraphNode[] = [];
  for (const node of nodes.toReversed()) {
    if (!node.outputs.some((output) => relevant.has(output) && active.has(output))) continue;
    // A node may be active only because its output is itself wanted; nothing upstream of it is.
    if (noGradientReason(node) !== undefined || !touches(node, active)) continue;
    onPath.push(node);
    for (const read of readsOf(node)) relevant.add(read);
  }
  return { nodes: onPath.reverse(), active, carried };
}

function touches(node: GraphNode, active: ReadonlySet<string>): boolean {
  for (const read of readsOf(node)) if (active.has(read)) return true;
  return false;
}

/** Integers and booleans carry no gradient: they are constant between jumps. */
function isDifferentiable(type: ValueType): boolean {
  return type.kind !== 'tensor' || dataTypeFacts(type.elementType).isFloat;
}

/** Operators that only move elements, and so hand on a quantised value's gradient; the data is their first operand. */
const movers = new Set([
  ...['Identity', 'Reshape', 'Flatten', 'Squeeze', 'Unsqueeze', 'Transpose', 'Concat', 'Split', 'Slice'],
  ...['Gather', 'Expand', 'Tile', 'MaxPool', 'DepthToSpace', 'SpaceToDepth', 'Pad', 'Resize', 'Relu', 'Clip'],
]);

/** Rounding operators that gradients pass straight through make whole numbers that stand for real ones. */
function carriesWholeNumbers(node: GraphNode, carried: ReadonlySet<string>, choice: RuleChoice): boolean {
  const entry = findRule(node, choice) ?? findLowering(node, choice.opset);
  if (entry?.isStraightThrough === true) return true;
  return movers.has(node.opType) && node.domain === '' && node.inputs.some((input) => carried.has(input));
}
