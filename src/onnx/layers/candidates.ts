import type { LayerKind } from '../../protocol/inspection.js';
import type { GraphNode } from '../model.js';
import type { ActivationFamily } from './activationFamilies.js';
import { activationFamilyOf, compositeFamilies } from './activationOperators.js';
import type { Composite } from './compositeParts.js';
import { findComposites } from './composites.js';
import type { Constant } from './constants.js';
import { type GraphView, soleConsumer } from './graphView.js';
import { type LayerOperator, layerOperatorOf } from './operators.js';

/** A layer before it has a name. */
export interface Candidate {
  readonly view: GraphView;
  readonly kind: LayerKind;
  /** Operator or composite. */
  readonly operator: string;
  /** In file order. */
  readonly nodes: readonly GraphNode[];
  readonly index: number;
  readonly input: string;
  readonly output: string;
  /** The operand that may name it. */
  readonly weight: Constant | undefined;
  readonly parameters: readonly Constant[];
  readonly buffers: readonly Constant[];
  /** Axis and units from the operator; null where they come from what feeds it. */
  readonly ownAxis: number | null;
  readonly ownUnits: number | null;
  readonly takesAxisOfInput: boolean;
  readonly family: ActivationFamily | null;
}

/** Returns the layers of one graph in file order, scopes apart. */
export function findCandidates(view: GraphView): Candidate[] {
  const composites = findComposites(view);
  const inside = new Set(composites.flatMap((composite) => composite.nodes));
  const candidates = composites.map((composite) => compositeCandidate(view, composite));
  for (const node of view.graph.nodes) {
    if (inside.has(node)) continue;
    const candidate = operatorCandidate(view, node) ?? activationCandidate(view, node);
    if (candidate !== undefined) candidates.push(candidate);
  }
  return candidates.sort((a, b) => a.index - b.index);
}

function compositeCandidate(view: GraphView, composite: Composite): Candidate {
  const parameters = composite.parameters.flatMap((name) => view.constants.get(name) ?? []);
  const [scale] = parameters;
  const isNorm = composite.kind === 'normalization';
  const family = compositeFamilies[composite.operator];
  const isGate = family !== undefined && gates(view, composite.output, family);
  return {
    ...base(view, composite.nodes),
    kind: isGate ? 'gate' : composite.kind,
    operator: composite.operator,
    input: composite.input,
    output: composite.output,
    weight: scale,
    parameters,
    ownAxis: isNorm ? scaledAxis(scale) : null,
    ownUnits: isNorm ? (scale?.dims?.at(scaledAxis(scale)) ?? null) : null,
    takesAxisOfInput: !isNorm,
    family: isGate ? null : (family ?? null),
  };
}

/** The axis that a normalisation scales by unit: the last, unless the scale stands on another. */
function scaledAxis(scale: Constant | undefined): number {
  const dims = scale?.dims ?? [];
  const wide = dims.flatMap((size, axis) => (size > 1 ? [axis - dims.length] : []));
  return wide.length === 1 ? (wide[0] ?? -1) : -1;
}

function operatorCandidate(view: GraphView, node: GraphNode): Candidate | undefined {
  const match = layerOperatorOf(node, view.constants);
  if (match === undefined) return undefined;
  const { operator, weight } = match;
  const output = node.outputs[0] ?? '';
  const axis = operator.axis(node);
  const units = operator.units(node, weight?.dims ?? null);
  const bias = biasOf(view, output, { ownAxis: axis, ownUnits: units });
  const constantsAt = (operands: readonly number[] = []): Constant[] =>
    operands.flatMap((operand) => view.constants.get(node.inputs[operand] ?? '') ?? []);
  return {
    ...base(view, bias === undefined ? [node] : [node, bias.node]),
    kind: operator.kind,
    operator: node.opType,
    input: node.inputs[operator.data] ?? '',
    output: bias?.node.outputs[0] ?? output,
    weight,
    parameters: [
      ...constantsAt(operator.parameters),
      ...attributeConstants(node, operator),
      ...(bias?.constants ?? []),
    ],
    buffers: constantsAt(operator.buffers),
    ownAxis: axis,
    ownUnits: units,
    takesAxisOfInput: false,
  };
}

function activationCandidate(view: GraphView, node: GraphNode): Candidate | undefined {
  const family = activationFamilyOf(node, view.constants);
  if (family === undefined) return undefined;
  const slope = node.opType === 'PRelu' ? view.constants.get(node.inputs[1] ?? '') : undefined;
  const isGate = gates(view, node.outputs[0] ?? '', family);
  return {
    ...base(view, [node]),
    kind: isGate ? 'gate' : 'activation',
    operator: node.opType,
    input: node.inputs[0] ?? '',
    output: node.outputs[0] ?? '',
    weight: slope,
    parameters: slope === undefined ? [] : [slope],
    ownAxis: null,
    ownUnits: null,
    takesAxisOfInput: true,
    family: isGate ? null : family,
  };
}

function base(
  view: GraphView,
  nodes: readonly GraphNode[],
): Pick<Candidate, 'view' | 'nodes' | 'index' | 'buffers' | 'family'> {
  const index = Math.min(...nodes.map((node) => view.positions.get(node) ?? 0));
  return { view, nodes, index, buffers: [], family: null };
}

/**
 * Tells whether a bounded activation is a gate: every reader multiplies it by another computed value, as in
 * squeeze-and-excitation, gated linear units and hand-written recurrent cells.
 */
function gates(view: GraphView, output: string, family: ActivationFamily): boolean {
  if (family.kind !== 'bounded' || family.low !== 0 || view.outputs.has(output)) return false;
  const readers = readersThroughShape(view, output);
  return (
    readers.length > 0 &&
    readers.every(
      ({ reader, value }) =>
        reader.opType === 'Mul' &&
        reader.inputs.some((input) => input !== value && !view.constants.has(input)),
    )
  );
}

/** Returns who reads a value, looking through operators that only bring it into shape. */
function readersThroughShape(view: GraphView, value: string): { reader: GraphNode; value: string }[] {
  return view.index.consumersOf(value).flatMap((reader) => {
    const isShape = ['Reshape', 'Unsqueeze', 'Squeeze', 'Expand', 'Transpose', 'Identity'].includes(
      reader.opType,
    );
    return isShape ? readersThroughShape(view, reader.outputs[0] ?? '') : [{ reader, value }];
  });
}

interface Bias {
  readonly node: GraphNode;
  readonly constants: readonly Constant[];
}

/** What a bias has to fit: the unit axis of a layer and its length. */
type Units = Pick<Candidate, 'ownAxis' | 'ownUnits'>;

/** Returns the Add that is the only reader of a layer's value and adds one constant per unit. */
function biasOf(view: GraphView, output: string, units: Units): Bias | undefined {
  const node = soleConsumer(view, output);
  const constant = node === undefined ? undefined : biasConstant(view, node, units);
  return node === undefined || constant === undefined ? undefined : { node, constants: [constant] };
}

/** Tells whether a node adds one constant for each unit of a layer, perhaps behind a cast. */
export function isBiasOf(view: GraphView, node: GraphNode, units: Units): boolean {
  return biasConstant(view, node, units) !== undefined;
}

function biasConstant(view: GraphView, node: GraphNode, { ownAxis, ownUnits }: Units): Constant | undefined {
  if (node.opType !== 'Add' || node.domain !== '' || ownAxis === null) return undefined;
  const constant = node.inputs.map((input) => view.constants.get(input)).find((found) => found !== undefined);
  const dims = constant?.dims ?? null;
  return dims !== null && isPerUnit(dims, ownAxis, ownUnits) ? constant : undefined;
}

/** Tells whether a shape broadcasts along the unit axis only: [units] or [1, units] at −1, [units, 1, 1] at 1. */
function isPerUnit(dims: readonly number[], axis: number, units: number | null): boolean {
  const sizes = dims.flatMap((size, position) =>
    size === 1 ? [] : [{ size, fromEnd: position - dims.length }],
  );
  const [only] = sizes;
  if (sizes.length !== 1 || only === undefined) return sizes.length === 0 && units === 1 && dims.length > 0;
  if (units !== null && only.size !== units) return false;
  // From the front the axis is 1 of at least 3: everything behind it must be 1, so it is not the last.
  return axis < 0 ? only.fromEnd === axis : only.fromEnd < -1;
}

/** Coefficients of classical models sit in attributes. */
function attributeConstants(node: GraphNode, operator: LayerOperator): Constant[] {
  if (operator.kind !== 'classifier' && operator.kind !== 'regressor') return [];
  const constants: Constant[] = [];
  for (const name of [
    'coefficients',
    'intercepts',
    'support_vectors',
    'rho',
    'class_weights',
    'target_weights',
  ]) {
    const attribute = node.attributes.get(name);
    if (attribute?.kind !== 'floats') continue;
    const origin = `${node.outputs[0] ?? ''}/${name}`;
    const elementCount = attribute.value.length;
    constants.push({
      origin,
      identity: origin,
      elementType: 'float32',
      elementCount,
      dims: [elementCount],
      value: undefined,
    });
  }
  return constants;
}
