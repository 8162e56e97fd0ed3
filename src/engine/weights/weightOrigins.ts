import { formatAddress } from '../../onnx/addresses.js';
import type { GraphView } from '../../onnx/layers/graphView.js';
import type { Layer, LayerTable } from '../../onnx/layers/layer.js';
import { type GraphNode, intsAttribute } from '../../onnx/model.js';
import type { TypeTable } from '../../onnx/shapes/typeTable.js';
import { elementCountOf } from '../../onnx/tensorValue.js';
import type { UnitWeight } from '../../protocol/units.js';

/** Where the inputs of a layer come from, by their number. */
export type Origins = (input: number) => Omit<UnitWeight, 'value'>;

/** Operators that give each channel on as it is, larger or smaller. */
const keepsUnits: ReadonlySet<string> = new Set([
  'Identity',
  'Dropout',
  'Cast',
  'Clip',
  'QuantizeLinear',
  'DequantizeLinear',
]);
const resizes: ReadonlySet<string> = new Set([
  'MaxPool',
  'AveragePool',
  'LpPool',
  'GlobalAveragePool',
  'GlobalMaxPool',
  'GlobalLpPool',
  'Pad',
  'Resize',
  'Upsample',
  'ReduceMean',
  'ReduceMax',
  'Squeeze',
]);

/** Layers that a person knows a neuron by; activations and normalisations belong to what feeds them. */
const namedKinds: ReadonlySet<string> = new Set(['conv', 'dense', 'embedding', 'recurrent']);

/**
 * Returns where the inputs of a layer come from: the neurons of the layer before it, through activations, normalisations,
 * pooling and flattening, or the model's input; `input 5` where several things meet.
 */
export function originsOf(
  layer: Layer,
  inputCount: number,
  context: { readonly table: LayerTable; readonly types: TypeTable; readonly view: GraphView },
): Origins {
  const unknown: Origins = (input) => ({ from: `input ${input}` });
  if (layer.input === null) return unknown;
  return new OriginFinder(context).find(layer.input, inputCount) ?? unknown;
}

class OriginFinder {
  private readonly layers: ReadonlyMap<string, Layer>;
  private readonly types: TypeTable;
  private readonly view: GraphView;

  constructor(context: { readonly table: LayerTable; readonly types: TypeTable; readonly view: GraphView }) {
    const { table, types, view } = context;
    const inView = table.layers.filter(
      ({ nodes: [node], kind }) => kind !== 'scope' && node !== undefined && view.positions.has(node),
    );
    // Of two layers with one output the later one made it.
    this.layers = new Map(inView.map((layer) => [layer.output, layer]));
    this.types = types;
    this.view = view;
  }

  find(value: string, inputCount: number): Origins | undefined {
    const trail = this.follow(value);
    const { flattened } = trail;
    if (flattened !== undefined) return this.throughFlatten(flattened, inputCount);
    const { layer, input } = trail;
    if (layer !== undefined && (layer.unitCount ?? inputCount) === inputCount && layer.unitAxis !== null) {
      return (unit) => neuron(layer, unit);
    }
    if (input === undefined) return undefined;
    return (element) => ({ from: inputCount === 1 ? input : `${input}[${element}]` });
  }

  /** A flattened map: element k is a position of a channel. */
  private throughFlatten({ node, dims }: Flattened, inputCount: number): Origins | undefined {
    if (elementCountOf(dims) !== inputCount) return undefined;
    const { layer, input, isResized, orders } = this.follow(node.inputs[0] ?? '');
    if (layer === undefined) {
      return input === undefined || isResized ? undefined : (element) => ({ from: `${input}[${element}]` });
    }
    if (layer.unitAxis === null || layer.unitAxis < 0 || layer.shape?.length !== dims.length + 1) {
      return undefined;
    }
    const channelAxis = orders.reduceRight((axis, order) => order.indexOf(axis), layer.unitAxis) - 1;
    const channelCount = dims[channelAxis];
    if (channelCount === undefined || (layer.unitCount ?? channelCount) !== channelCount) return undefined;
    return (element) => {
      const place = coordinatesOf(element, dims);
      const unit = place[channelAxis] ?? 0;
      const position = place.filter((_, axis) => axis !== channelAxis);
      if (position.every((_, axis) => dims[axis < channelAxis ? axis : axis + 1] === 1)) {
        return neuron(layer, unit);
      }
      const isExact = !isResized && orders.length === 0;
      if (isExact) return neuron(layer, unit, position);
      return {
        ...neuron(layer, unit),
        from: `${formatAddress({ layer: layer.name, unit })} at ${position.join(',')}`,
      };
    };
  }

  /** Walks back to the layer that people know the value by, at most to where several values meet. */
  private follow(from: string): Trail {
    const trail: { layer?: Layer; isResized: boolean; orders: (readonly number[])[] } = {
      isResized: false,
      orders: [],
    };
    let value = from;
    // A chain this long without a layer has none.
    for (let step = 0; step < 64; step++) {
      const layer = this.layers.get(value);
      if (layer !== undefined) {
        trail.layer ??= layer;
        if (namedKinds.has(layer.kind)) return { ...trail, layer };
        if (layer.input === null || layer.kind === 'attention') return trail;
        value = layer.input;
        continue;
      }
      const node = this.view.index.producerOf(value);
      // An input of the model; what enters a body or a function has a name of its own outside.
      if (node === undefined) return trail.layer === undefined ? { ...trail, input: value } : trail;
      const flattened = trail.layer === undefined ? this.flattening(node) : undefined;
      if (flattened !== undefined) return { ...trail, flattened };
      if (!this.passes(node, trail)) return trail;
      value = node.inputs[0] ?? '';
    }
    return trail;
  }

  private passes(node: GraphNode, trail: { isResized: boolean; orders: (readonly number[])[] }): boolean {
    if (keepsUnits.has(node.opType)) return true;
    if (resizes.has(node.opType)) {
      trail.isResized = true;
      return true;
    }
    const order = node.opType === 'Transpose' ? intsAttribute(node, 'perm') : undefined;
    if (order === undefined) return false;
    trail.orders.push(order);
    return true;
  }

  private flattening(node: GraphNode): Flattened | undefined {
    if (node.opType !== 'Flatten' && node.opType !== 'Reshape') return undefined;
    const before = this.sizesBehindBatch(node.inputs[0] ?? '');
    const after = this.sizesBehindBatch(node.outputs[0] ?? '');
    const isFlat = node.opType === 'Flatten' || after?.length === 1;
    return before === undefined || before.length < 2 || !isFlat ? undefined : { node, dims: before };
  }

  private sizesBehindBatch(value: string): readonly number[] | undefined {
    const type = this.types.get(value);
    if (type?.kind !== 'tensor' || type.shape === null) return undefined;
    const sizes = type.shape.slice(1);
    return sizes.every((size) => typeof size === 'number') ? sizes : undefined;
  }
}

interface Flattened {
  readonly node: GraphNode;
  /** Sizes before flattening, without the batch. */
  readonly dims: readonly number[];
}

interface Trail {
  readonly layer?: Layer;
  /** Input of the model, where nothing else is on the way. */
  readonly input?: string;
  readonly flattened?: Flattened;
  /** Whether positions are not those of the layer any more. */
  readonly isResized: boolean;
  /** Transposes on the way, the last one first. */
  readonly orders: readonly (readonly number[])[];
}

function neuron(layer: Layer, unit: number, position?: readonly number[]): Omit<UnitWeight, 'value'> {
  const address = formatAddress({ layer: layer.name, unit, ...(position === undefined ? {} : { position }) });
  return { from: address, address };
}

function coordinatesOf(element: number, dims: readonly number[]): number[] {
  const coordinates: number[] = [];
  let rest = element;
  for (const size of dims.toReversed()) {
    coordinates.unshift(rest % size);
    rest = Math.floor(rest / size);
  }
  return coordinates;
}
