import { finalStateOf } from '../../onnx/layers/finalState.js';
import type { GraphView } from '../../onnx/layers/graphView.js';
import type { Layer, LayerTable } from '../../onnx/layers/layer.js';
import { type GraphNode, intAttribute, intsAttribute } from '../../onnx/model.js';
import type { TypeTable } from '../../onnx/shapes/typeTable.js';
import { elementCountOf } from '../../onnx/tensorValue.js';
import { viewOf } from './weightLayout.js';

/** Where a unit lies in a value: these elements of an axis; `last` stays the last one whatever axes come and go. */
interface Lie {
  readonly axis: number | 'last';
  readonly indices: readonly number[];
}

/** A layer with weights that reads a unit. */
export interface UnitReader {
  readonly layer: Layer;
  /** Which of its inputs the unit is: several where positions were flattened into inputs. */
  readonly inputs: readonly number[];
  /** Layers between the unit and the reader, in their order. */
  readonly through: readonly string[];
}

/** What reads a unit, and where the unit goes otherwise. */
export interface UnitReaders {
  readonly readers: readonly UnitReader[];
  /** Outputs of the model that the unit is a part of. */
  readonly outputs: readonly string[];
  /** Operators that take the unit in another way than by a weight of its own: attention, recurrent layers, Gather. */
  readonly ends: readonly string[];
}

/** Operators that give each unit on as it is, or larger or smaller, or fewer positions of it. */
const passing: ReadonlySet<string> = new Set([
  ...['Identity', 'Dropout', 'Cast', 'Clip', 'QuantizeLinear', 'DequantizeLinear'],
  ...['MaxPool', 'AveragePool', 'LpPool', 'GlobalAveragePool', 'GlobalMaxPool', 'GlobalLpPool'],
  ...['Pad', 'Resize', 'Upsample', 'ReduceMean', 'ReduceMax', 'ReduceSum', 'Squeeze', 'Unsqueeze'],
  ...['Slice', 'Gather', 'Relu', 'Sigmoid', 'Tanh', 'Neg', 'Abs'],
]);

/** Sums and products of what stands at the same unit. */
const elementwise: ReadonlySet<string> = new Set(['Add', 'Sub', 'Mul', 'Div', 'Sum', 'Max', 'Min']);

const weightedKinds: ReadonlySet<string> = new Set(['conv', 'dense']);
const stepKinds: ReadonlySet<string> = new Set(['activation', 'normalization', 'gate']);

/** Values looked at, at most. */
const maxValueCount = 4000;

/** A unit by the value that it is a part of. */
export interface UnitStart {
  readonly value: string;
  readonly unitAxis: number;
  readonly unit: number;
  /** Its layer, which tells the graph: bodies may call their values alike. Default: the main graph. */
  readonly layer?: Layer | undefined;
}

/**
 * Returns the layers whose weights read a unit: followed through activations, normalisations, pooling, flattening, sums of a
 * residual stream and products of gates, up to the next weights on every way. In a body of If, Loop or Scan they are those of the
 * body; where the unit leaves it, the operator around it is an end.
 */
export function readersOf(
  start: UnitStart,
  context: { readonly table: LayerTable; readonly types: TypeTable },
): UnitReaders {
  const { views } = context.table;
  const view = start.layer?.isInBody === true ? viewOf(start.layer, views) : views[0];
  if (view === undefined) return { readers: [], outputs: [], ends: [] };
  return new ReaderFinder(view, context).find(start);
}

interface Visit {
  readonly value: string;
  readonly lie: Lie;
  readonly through: readonly string[];
}

class ReaderFinder {
  private readonly view: GraphView;
  private readonly layers: readonly Layer[];
  private readonly table: LayerTable;
  private readonly types: TypeTable;
  private readonly readers: UnitReader[] = [];
  private readonly outputs: string[] = [];
  private readonly ends = new Set<string>();

  constructor(view: GraphView, context: { readonly table: LayerTable; readonly types: TypeTable }) {
    this.view = view;
    const own = new Set(view.graph.nodes);
    this.layers = context.table.layers.filter(
      ({ kind, isInBody, nodes: [first] }) =>
        kind !== 'scope' && (view.isInBody ? first !== undefined && own.has(first) : !isInBody),
    );
    this.table = context.table;
    this.types = context.types;
  }

  find(start: UnitStart): UnitReaders {
    const { value, unitAxis, unit } = start;
    const open: Visit[] = [
      { value, lie: { axis: this.named(unitAxis, value), indices: [unit] }, through: [] },
    ];
    const state = finalStateOf(value, this.table);
    if (state !== undefined) open.push({ value: state, lie: { axis: 'last', indices: [unit] }, through: [] });
    const seen = new Set(open.map((visit) => visit.value));
    for (let visit = open.shift(); visit !== undefined; visit = open.shift()) {
      if (this.view.outputs.has(visit.value)) this.leave(visit.value);
      for (const next of this.nextOf(visit)) {
        if (seen.has(next.value) || seen.size > maxValueCount) continue;
        seen.add(next.value);
        open.push(next);
      }
    }
    const { readers, outputs } = this;
    return { readers, outputs, ends: [...this.ends] };
  }

  private leave(value: string): void {
    const { holder } = this.view;
    if (holder === undefined) this.outputs.push(value);
    else this.ends.add(holder.node.opType);
  }

  private nextOf(visit: Visit): Visit[] {
    const nodes = new Set(this.view.index.consumersOf(visit.value));
    return [...nodes].flatMap((node) => this.through(node, visit) ?? []);
  }

  /** Where the unit lies behind a node; nothing where it was read by weights or is lost. */
  private through(node: GraphNode, visit: Visit): Visit | undefined {
    const { value, lie, through } = visit;
    const layer = this.layers.find(({ input, nodes }) => input === value && nodes.includes(node));
    if (layer !== undefined && weightedKinds.has(layer.kind)) {
      this.readers.push({ layer, inputs: lie.indices, through });
      return undefined;
    }
    if (layer !== undefined && stepKinds.has(layer.kind)) {
      return { value: layer.output, lie, through: [...through, layer.name] };
    }
    const after =
      layer === undefined || layer.kind === 'block' ? this.lieBehind(node, value, lie) : undefined;
    if (after !== undefined) return { value: node.outputs[0] ?? '', lie: after, through };
    this.ends.add(layer?.name ?? node.opType);
    return undefined;
  }

  private lieBehind(node: GraphNode, value: string, lie: Lie): Lie | undefined {
    const { opType } = node;
    if (elementwise.has(opType)) return this.isSameRank(node, value) ? lie : undefined;
    // As the table of a Gather, or the data of a Slice; never as their indices.
    if (passing.has(opType) && node.inputs[0] === value) return lie;
    switch (opType) {
      case 'Transpose':
        return this.transposed(node, value, lie);
      case 'Concat':
        return this.joined(node, value, lie);
      case 'Flatten':
      case 'Reshape':
        return node.inputs[0] === value ? this.flattened(node, lie) : undefined;
      default:
        return undefined;
    }
  }

  /** A sum with fewer axes is spread over units or positions, where indices mean the same from the end. */
  private isSameRank(node: GraphNode, value: string): boolean {
    const rank = this.sizesOf(value)?.length;
    const behind = this.sizesOf(node.outputs[0] ?? '')?.length;
    return rank === undefined || behind === undefined || rank === behind;
  }

  private transposed(node: GraphNode, value: string, lie: Lie): Lie | undefined {
    const rank = this.sizesOf(value)?.length;
    const order = intsAttribute(node, 'perm');
    if (order === undefined) return undefined;
    const axis = lie.axis === 'last' ? (rank ?? order.length) - 1 : lie.axis;
    const at = order.indexOf(axis);
    return at < 0 ? undefined : { ...lie, axis: at === order.length - 1 ? 'last' : at };
  }

  private joined(node: GraphNode, value: string, lie: Lie): Lie | undefined {
    const sizes = this.sizesOf(value);
    if (sizes === undefined) return undefined;
    const along = intAttribute(node, 'axis', 0);
    const axis = along < 0 ? along + sizes.length : along;
    const own = lie.axis === 'last' ? sizes.length - 1 : lie.axis;
    if (axis !== own) return lie;
    let before = 0;
    for (const input of node.inputs) {
      if (input === value) return { ...lie, indices: lie.indices.map((index) => before + index) };
      const size = this.sizesOf(input)?.[axis];
      if (typeof size !== 'number') return undefined;
      before += size;
    }
    return undefined;
  }

  /** Every position of the unit becomes an input of its own. */
  private flattened(node: GraphNode, lie: Lie): Lie | undefined {
    const [, ...before] = this.sizesOf(node.inputs[0] ?? '') ?? [];
    const [, ...after] = this.sizesOf(node.outputs[0] ?? '') ?? [];
    const sizes = before.filter((size) => typeof size === 'number');
    if (lie.axis === 'last' && before.at(-1) !== undefined && before.at(-1) === after.at(-1)) return lie;
    const isFlat = node.opType === 'Flatten' || after.length === 1;
    if (sizes.length !== before.length || sizes.length === 0 || !isFlat) return undefined;
    const axis = (lie.axis === 'last' ? before.length : lie.axis) - 1;
    const inner = elementCountOf(sizes.slice(axis + 1));
    const size = sizes[axis] ?? 1;
    const wanted = new Set(lie.indices);
    const indices = Array.from({ length: elementCountOf(sizes) }, (_, flat) => flat).filter((flat) =>
      wanted.has(Math.floor(flat / inner) % size),
    );
    return { axis: 'last', indices };
  }

  private named(axis: number, value: string): Lie['axis'] {
    const rank = this.sizesOf(value)?.length;
    if (axis === -1 || (rank !== undefined && axis === rank - 1)) return 'last';
    return axis < 0 && rank !== undefined ? axis + rank : axis;
  }

  private sizesOf(value: string): readonly (number | string | null)[] | undefined {
    const type = this.types.get(value);
    return type?.kind === 'tensor' && type.shape !== null ? type.shape : undefined;
  }
}
