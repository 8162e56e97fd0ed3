import type { GraphView } from '../../../onnx/layers/graphView.js';
import type { Layer, LayerTable } from '../../../onnx/layers/layer.js';
import { type GraphNode, intAttribute, qualifiedOperator } from '../../../onnx/model.js';
import type { TypeTable } from '../../../onnx/shapes/typeTable.js';

/** A stored constant of which one axis counts the units of a layer. */
export interface UnitParameter {
  /** Name of the initializer. */
  readonly name: string;
  readonly axis: number;
  /** Elements along the axis that one unit has: more than 1 behind a Flatten. */
  readonly perUnit: number;
  /** `in`: leads into a unit, or changes it alone; merged by the mean. `out`: is read from it; merged by the sum. */
  readonly side: 'in' | 'out';
}

/** A BatchNormalization that reads a layer and nothing else stands between: it is folded before units are compared. */
export interface FoldedNorm {
  readonly scale: string;
  readonly shift: string;
  readonly mean: string;
  readonly variance: string;
  readonly epsilon: number;
}

/** A layer whose units can be merged, with every constant that has a part for each of them. */
export interface MergeableLayer {
  readonly name: string;
  readonly unitCount: number;
  readonly weight: UnitParameter;
  /** The bias inside the operator or added behind it. */
  readonly bias: UnitParameter | undefined;
  readonly norm: FoldedNorm | undefined;
  /** All of them, those above included. */
  readonly parameters: readonly UnitParameter[];
  /** Constant targets of Reshape that name the flattened size, which changes: by initializer, the entry. */
  readonly reshapes: readonly { readonly name: string; readonly entry: number }[];
}

/** Functions of one value, element by element. */
const elementwise: ReadonlySet<string> = new Set([
  ...[
    'Relu',
    'LeakyRelu',
    'Elu',
    'Selu',
    'Celu',
    'Gelu',
    'Sigmoid',
    'Tanh',
    'Erf',
    'Softplus',
    'Softsign',
    'Mish',
  ],
  ...[
    'HardSigmoid',
    'HardSwish',
    'ThresholdedRelu',
    'Clip',
    'Exp',
    'Log',
    'Sqrt',
    'Abs',
    'Neg',
    'Reciprocal',
    'Sin',
  ],
  ...['Cos', 'Identity', 'Dropout', 'com.microsoft:Gelu', 'com.microsoft:QuickGelu'],
]);
const combining: ReadonlySet<string> = new Set(['Add', 'Sub', 'Mul', 'Div', 'Pow', 'Max', 'Min', 'PRelu']);
const pooling: ReadonlySet<string> = new Set([
  'MaxPool',
  'AveragePool',
  'GlobalAveragePool',
  'GlobalMaxPool',
]);

/** A value that carries the units of the layer, and where. */
interface Carried {
  /** From the end, so that it holds whatever the rank: −1 for `[N, T, U]`; undefined once flattened. */
  readonly axis: number;
  /** Units stand in runs: unit u is elements u · k … of the last axis; of unknown k until a weight reads it. */
  readonly isFlattened: boolean;
}

/**
 * Follows the units of a layer to everything that reads them.
 *
 * Merging is exact for units that are alike when, from the layer on, each unit goes its way alone (activations, biases,
 * normalisation by stored statistics, pooling, flattening) to weights that add units up. In a gated layer a unit goes together with
 * that of the other factor. Anything else is a reason against it.
 *
 * Returns the layer with its constants, or the reason, to stand behind "cannot be merged: ".
 */
export function unitParametersOf(layer: Layer, table: LayerTable, types: TypeTable): MergeableLayer | string {
  if (layer.isInBody) return 'it is inside an If, Loop or Scan body or a function';
  const [view] = table.views;
  if (view === undefined) return 'the model has no graph';
  const walk = new UnitWalk(layer, { view, types });
  try {
    return walk.follow();
  } catch (error) {
    if (error instanceof CannotMerge) return error.message;
    throw error;
  }
}

/** Says why; never leaves this file. */
class CannotMerge extends Error {}

function stop(reason: string): never {
  throw new CannotMerge(reason);
}

class UnitWalk {
  private readonly carried = new Map<string, Carried>();
  private readonly parameters: UnitParameter[] = [];
  private readonly reshapes: { name: string; entry: number }[] = [];
  private readonly view: GraphView;
  private readonly types: TypeTable;
  private unitCount = 0;
  private norm: FoldedNorm | undefined;
  private bias: UnitParameter | undefined;
  /** What a directly following bias or normalisation reads. */
  private front = '';

  constructor(
    private readonly layer: Layer,
    { view, types }: { readonly view: GraphView; readonly types: TypeTable },
  ) {
    this.view = view;
    this.types = types;
  }

  follow(): MergeableLayer {
    const weight = this.begin();
    const { nodes } = this.view.graph;
    for (const node of nodes) if (node.inputs.some((input) => this.carried.has(input))) this.pass(node);
    for (const value of this.carried.keys()) {
      if (this.view.outputs.has(value)) stop('its units are an output of the model');
    }
    if (!this.parameters.some(({ side }) => side === 'out')) stop('nothing with weights reads it');
    const { bias, norm, parameters, reshapes, unitCount } = this;
    return { name: this.layer.name, unitCount, weight, bias, norm, parameters, reshapes };
  }

  private begin(): UnitParameter {
    const node = this.layer.nodes.find(({ opType }) => ['Conv', 'Gemm', 'MatMul'].includes(opType));
    if (node === undefined || node.domain !== '') {
      stop(`${this.layer.operator} is not one of Conv, Gemm and MatMul`);
    }
    const [, weight = '', bias = ''] = node.inputs;
    const dims = this.stored(weight, node);
    const isConv = node.opType === 'Conv';
    if (isConv && intAttribute(node, 'group', 1) !== 1) stop('it is a grouped convolution');
    if (!isConv && dims.length !== 2) stop('its weight is no matrix');
    if (node.opType === 'Gemm' && intAttribute(node, 'transA', 0) !== 0) stop('its input is transposed');
    const axis = isConv || (node.opType === 'Gemm' && intAttribute(node, 'transB', 0) === 1) ? 0 : 1;
    this.unitCount = dims[axis] ?? 0;
    const rank = isConv ? dims.length : undefined;
    const output = node.outputs[0] ?? '';
    this.carried.set(output, { axis: rank === undefined ? -1 : 1 - rank, isFlattened: false });
    this.front = output;
    const parameter: UnitParameter = { name: weight, axis, perUnit: 1, side: 'in' };
    this.parameters.push(parameter);
    if (bias !== '') this.bias = this.perUnitConstant(bias, node, 0);
    return parameter;
  }

  /** A stored constant that only this node reads. */
  private stored(name: string, node: GraphNode): readonly number[] {
    const tensor = this.view.graph.initializers.get(name);
    if (tensor === undefined) stop(`an operand of ${node.opType} is computed or quantised, not stored`);
    if (tensor.elementType !== 'float32' && tensor.elementType !== 'float64') {
      stop(`an operand of ${node.opType} is stored as ${tensor.elementType}`);
    }
    const readers = this.view.index.consumersOf(name);
    if (readers.length !== 1 || readers[0]?.inputs.filter((input) => input === name).length !== 1) {
      stop(`the constant ${name} is used in several places`);
    }
    return tensor.dims;
  }

  /** A constant with one element for each unit; undefined for one that is the same for all. `after`: axes behind the units. */
  private perUnitConstant(name: string, node: GraphNode, after: number): UnitParameter | undefined {
    const constant = this.view.constants.get(name);
    if (constant?.elementCount === 1) return undefined;
    const dims = this.stored(name, node);
    const axis = dims.length - 1 - after;
    if (dims.some((size, i) => size !== (i === axis ? this.unitCount : 1))) {
      stop(`a constant [${dims.join(', ')}] of ${node.opType} is not one number for each unit`);
    }
    const parameter: UnitParameter = { name, axis, perUnit: 1, side: 'in' };
    this.parameters.push(parameter);
    return parameter;
  }

  private pass(node: GraphNode): void {
    const operator = qualifiedOperator(node);
    if (elementwise.has(operator)) this.carry(node, this.carriedBy(node, 0));
    else if (combining.has(operator)) this.combine(node);
    else if (pooling.has(operator)) this.carry(node, this.carriedBy(node, 0));
    else if (operator === 'BatchNormalization') this.normalise(node);
    else if (operator === 'Flatten' || operator === 'Reshape') this.flatten(node);
    else if (operator === 'Conv' || operator === 'Gemm' || operator === 'MatMul') this.read(node);
    else stop(`its units enter ${operator}, which does not keep them apart or adds them up otherwise`);
  }

  private carriedBy(node: GraphNode, operand: number): Carried {
    const carried = this.carried.get(node.inputs[operand] ?? '');
    if (carried === undefined) stop(`its units are a parameter of ${node.opType}`);
    const others = node.inputs.filter((input, i) => i !== operand && this.carried.has(input));
    if (others.length > 0) stop(`its units are a parameter of ${node.opType}`);
    return carried;
  }

  private carry(node: GraphNode, carried: Carried): void {
    const [output = '', ...others] = node.outputs;
    if (others.some((other) => other !== '' && this.view.index.consumersOf(other).length > 0)) {
      stop(`a second output of ${node.opType} is read`);
    }
    this.carried.set(output, carried);
  }

  /** Constants, and other values that carry the same units: `x · sigmoid(x)`. */
  private combine(node: GraphNode): void {
    const values = node.inputs.map((input) => this.carried.get(input));
    const carried = values.find((value) => value !== undefined);
    if (carried === undefined || carried.isFlattened) stop(`its flattened units enter ${node.opType}`);
    const readsFront = node.inputs.includes(this.front) && node.opType === 'Add';
    for (const [i, input] of node.inputs.entries()) {
      const value = values[i];
      if (value?.axis === carried.axis) continue;
      if (value === undefined && node.opType === 'Mul' && !this.view.constants.has(input)) {
        if (carried.axis !== -1) stop('it meets another value in Mul');
        this.join(input, node);
        continue;
      }
      if (value !== undefined || !this.view.constants.has(input)) {
        stop(`it meets another value in ${node.opType}`);
      }
      const parameter = this.perUnitConstant(input, node, -1 - carried.axis);
      if (readsFront && this.norm === undefined) this.bias ??= parameter;
    }
    const output = node.outputs[0] ?? '';
    if (readsFront && this.isOnlyReader(node)) this.front = output;
    this.carried.set(output, carried);
  }

  /**
   * Follows the other factor of a gated layer, act(gate) · up, back to the weights that make it: a unit is then a row of each, and
   * units that are alike in both are alike in the product.
   */
  private join(value: string, product: GraphNode): void {
    const path = { values: new Set<string>(), nodes: new Set([product]) };
    this.trace(value, path);
    const isReadElsewhere = [...path.values].some((made) =>
      this.view.index.consumersOf(made).some((reader) => !path.nodes.has(reader)),
    );
    if (isReadElsewhere) stop('the other factor of its product is read elsewhere too');
    for (const made of path.values) this.carried.set(made, { axis: -1, isFlattened: false });
  }

  private trace(value: string, path: { readonly values: Set<string>; readonly nodes: Set<GraphNode> }): void {
    if (path.values.has(value)) return;
    path.values.add(value);
    const node = this.view.index.producerOf(value);
    if (node === undefined) stop('it meets another value in Mul');
    path.nodes.add(node);
    const operator = qualifiedOperator(node);
    if (operator === 'MatMul' || operator === 'Gemm') this.joinWeights(node);
    else if (elementwise.has(operator)) this.trace(node.inputs[0] ?? '', path);
    else if (combining.has(operator)) {
      for (const input of node.inputs) {
        if (this.view.constants.has(input)) this.perUnitConstant(input, node, 0);
        else this.trace(input, path);
      }
    } else stop('it meets another value in Mul');
  }

  private joinWeights(node: GraphNode): void {
    const { nodes } = this.view.graph;
    const own = this.layer.nodes[0];
    if (own !== undefined && nodes.indexOf(node) < nodes.indexOf(own)) {
      stop('its units are merged with those of the layer that gates it, or that it gates');
    }
    const [, weight = '', bias = ''] = node.inputs;
    const dims = this.stored(weight, node);
    const isTurned = node.opType === 'Gemm' && intAttribute(node, 'transB', 0) === 1;
    const axis = isTurned ? 0 : 1;
    if (dims.length !== 2 || dims[axis] !== this.unitCount) stop('it meets another value in Mul');
    if (node.opType === 'Gemm' && intAttribute(node, 'transA', 0) !== 0) stop('its input is transposed');
    this.parameters.push({ name: weight, axis, perUnit: 1, side: 'in' });
    if (bias !== '') this.perUnitConstant(bias, node, 0);
  }

  private isOnlyReader(node: GraphNode): boolean {
    const readers = this.view.index.consumersOf(this.front);
    return readers.length === 1 && readers[0] === node;
  }

  private normalise(node: GraphNode): void {
    const carried = this.carriedBy(node, 0);
    if (carried.isFlattened) stop('its flattened units enter BatchNormalization');
    const [, scale = '', shift = '', mean = '', variance = ''] = node.inputs;
    for (const name of [scale, shift, mean, variance]) {
      if (this.perUnitConstant(name, node, 0) === undefined) stop('it has a single unit');
    }
    if (node.inputs[0] === this.front && this.isOnlyReader(node) && this.norm === undefined) {
      const epsilon = node.attributes.get('epsilon');
      this.norm = { scale, shift, mean, variance, epsilon: epsilon?.kind === 'float' ? epsilon.value : 1e-5 };
    }
    this.carry(node, carried);
  }

  private flatten(node: GraphNode): void {
    const carried = this.carriedBy(node, 0);
    const [before, after] = [this.rankOf(node.inputs[0]), this.rankOf(node.outputs[0])];
    if (before === undefined || after === undefined) {
      stop(`the rank of a value at ${node.opType} is not known`);
    }
    const size = this.lastSizeOf(node.outputs[0]);
    if (carried.axis === -1 && !carried.isFlattened && size === this.unitCount) {
      this.carry(node, carried);
      return;
    }
    const isFlatten = node.opType === 'Flatten' && intAttribute(node, 'axis', 1) === 1;
    const isFromChannels = before + carried.axis === 1 && after === 2;
    if (!isFromChannels || carried.isFlattened || !(isFlatten || node.opType === 'Reshape')) {
      stop(`${node.opType} mixes its units with positions`);
    }
    if (node.opType === 'Reshape') this.freeSize(node);
    this.carry(node, { axis: -1, isFlattened: true });
  }

  /** The flattened size may be written as a number. */
  private freeSize(node: GraphNode): void {
    const name = node.inputs[1] ?? '';
    const value = this.view.constants.get(name)?.value;
    const target =
      value === undefined || Array.isArray(value.data) ? undefined : Array.from(value.data, Number);
    if (target?.length !== 2) stop('a Reshape’s target is computed');
    if (target[1] === -1) return;
    if (
      target[0] === -1 ||
      !this.view.graph.initializers.has(name) ||
      this.view.index.consumersOf(name).length !== 1
    ) {
      stop('a Reshape names the number of its elements');
    }
    this.reshapes.push({ name, entry: 1 });
  }

  private read(node: GraphNode): void {
    const carried = this.carriedBy(node, 0);
    const name = node.inputs[1] ?? '';
    const dims = this.stored(name, node);
    const axis = this.readAxis(node, dims);
    const isAtUnits = node.opType === 'Conv' ? carried.axis === 1 - dims.length : carried.axis === -1;
    if (!isAtUnits) stop(`${node.opType} does not add its units up`);
    const perUnit = (dims[axis] ?? 0) / this.unitCount;
    if (!Number.isInteger(perUnit) || (perUnit > 1 && !carried.isFlattened)) {
      stop(`the weight ${name} has ${dims[axis] ?? 0} inputs for its ${this.unitCount} units`);
    }
    this.parameters.push({ name, axis, perUnit, side: 'out' });
  }

  private readAxis(node: GraphNode, dims: readonly number[]): number {
    if (node.opType === 'Conv') {
      if (intAttribute(node, 'group', 1) !== 1) stop('a grouped convolution reads it');
      return 1;
    }
    if (dims.length !== 2) stop(`the weight of a ${node.opType} that reads it is no matrix`);
    if (node.opType === 'MatMul') return 0;
    if (intAttribute(node, 'transA', 0) !== 0) stop('a Gemm reads it transposed');
    return intAttribute(node, 'transB', 0) === 1 ? 1 : 0;
  }

  private rankOf(value = ''): number | undefined {
    const type = this.types.get(value);
    return type?.kind === 'tensor' ? type.shape?.length : undefined;
  }

  private lastSizeOf(value = ''): number | string | null | undefined {
    const type = this.types.get(value);
    return type?.kind === 'tensor' ? type.shape?.at(-1) : undefined;
  }
}
