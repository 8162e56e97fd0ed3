import { type GraphNode, intAttribute, intsAttribute, type ValueType } from '../model.js';
import type { TypeTable } from '../shapes/typeTable.js';
import { toFloat64 } from '../tensorValue.js';
import type { Candidate } from './candidates.js';
import type { GraphView } from './graphView.js';

/** Which axis of a value counts units (from the end where the rank is open), and how many there are. */
export interface UnitAxis {
  readonly axis: number;
  readonly units: number | null;
}

/** Operators whose output has the axes of their first computed input. */
const keeping = new Set([
  ...[
    'Identity',
    'Dropout',
    'Cast',
    'CastLike',
    'QuantizeLinear',
    'DequantizeLinear',
    'Pad',
    'Resize',
    'Upsample',
  ],
  ...[
    'MaxPool',
    'AveragePool',
    'LpPool',
    'GlobalAveragePool',
    'GlobalMaxPool',
    'GlobalLpPool',
    'Slice',
    'Clip',
  ],
  ...[
    'Add',
    'Sub',
    'Mul',
    'Div',
    'Max',
    'Min',
    'Sum',
    'Mean',
    'Pow',
    'Sqrt',
    'Exp',
    'Log',
    'Abs',
    'Neg',
    'Erf',
  ],
  ...['Softmax', 'LogSoftmax', 'Where', 'Concat', 'Split', 'ReduceMean', 'ReduceMax', 'ReduceSum'],
]);

/** Unit axes of the values of one graph. */
export type ViewAxes = ReadonlyMap<string, UnitAxis>;

/** Returns the unit axis of every value of a graph that has one: set by layers, carried on by what follows. */
export function unitAxesOf(
  view: GraphView,
  candidates: readonly Candidate[],
  { types, outer }: { readonly types: TypeTable; readonly outer: ReadonlyMap<GraphView, ViewAxes> },
): ViewAxes {
  const axes = axesFromOutside(view, outer);
  const ending = new Map(candidates.map((candidate) => [candidate.nodes.at(-1), candidate]));
  const inside = new Map(
    candidates.flatMap((candidate) => candidate.nodes.map((node) => [node, candidate] as const)),
  );
  const rankOf = (name: string): number | undefined => shapeOf(types.get(name))?.length;
  for (const node of view.graph.nodes) {
    const candidate = ending.get(node);
    if (candidate !== undefined) {
      const axis = candidateAxis(candidate, axes);
      for (const name of new Set([candidate.output, ...node.outputs])) setAxis(axes, { name, axis, types });
    } else if (inside.get(node)?.takesAxisOfInput !== true) {
      const axis = carriedAxis(node, { axes, view, rankOf });
      for (const name of node.outputs) setAxis(axes, { name, axis, types });
    }
  }
  return axes;
}

/** Returns the axes of the values that a body captures or a function is passed. */
function axesFromOutside(view: GraphView, outer: ReadonlyMap<GraphView, ViewAxes>): Map<string, UnitAxis> {
  const axes = new Map<string, UnitAxis>();
  for (const node of view.graph.nodes) {
    for (const input of node.inputs) {
      let place: ReturnType<GraphView['outerValue']> = { view, name: input };
      while (place !== undefined && place.view.index.producerOf(place.name) === undefined) {
        place = place.view.outerValue(place.name);
      }
      const axis = place === undefined ? undefined : outer.get(place.view)?.get(place.name);
      if (axis !== undefined) axes.set(input, axis);
    }
  }
  return axes;
}

function candidateAxis(candidate: Candidate, axes: ReadonlyMap<string, UnitAxis>): UnitAxis | undefined {
  if (candidate.takesAxisOfInput) return axes.get(candidate.input);
  return candidate.ownAxis === null ? undefined : { axis: candidate.ownAxis, units: candidate.ownUnits };
}

function setAxis(
  axes: Map<string, UnitAxis>,
  { name, axis, types }: { name: string; axis: UnitAxis | undefined; types: TypeTable },
): void {
  if (axis === undefined || name === '') return;
  const shape = shapeOf(types.get(name));
  if (shape === undefined) {
    axes.set(name, axis);
    return;
  }
  const fromFront = axis.axis < 0 ? axis.axis + shape.length : axis.axis;
  const size = shape[fromFront];
  if (size === undefined || fromFront < 0) return;
  axes.set(name, { axis: fromFront, units: typeof size === 'number' ? size : axis.units });
}

interface CarryContext {
  readonly axes: ReadonlyMap<string, UnitAxis>;
  readonly view: GraphView;
  readonly rankOf: (name: string) => number | undefined;
}

/** Returns the unit axis of a node's output where it is plain that it is the input's. */
function carriedAxis(node: GraphNode, context: CarryContext): UnitAxis | undefined {
  const { axes, view, rankOf } = context;
  const sources = node.inputs.filter((input) => axes.has(input));
  const [source] = sources;
  const from = axes.get(source ?? '');
  if (source === undefined || from === undefined) return undefined;
  const outputRank = rankOf(node.outputs[0] ?? '');
  const inputRank = rankOf(source);
  if (node.opType === 'Transpose') {
    const order = intsAttribute(node, 'perm');
    const axis = order?.indexOf(from.axis) ?? -1;
    return axis < 0 ? undefined : { axis, units: from.units };
  }
  if (node.opType === 'Squeeze' || node.opType === 'Unsqueeze') {
    return movedAxis(node, from, { view, outputRank });
  }
  if (node.opType === 'Flatten') return undefined;
  if (!keeping.has(node.opType) || node.domain !== '') return undefined;
  if (outputRank !== undefined && inputRank !== undefined && outputRank !== inputRank) return undefined;
  if (sources.some((other) => axes.get(other)?.axis !== from.axis)) return undefined;
  const isResized = node.opType === 'Concat' || node.opType === 'Split';
  const isJoined = isResized && intAttribute(node, 'axis', 0) === from.axis;
  return { axis: from.axis, units: isJoined ? null : from.units };
}

function movedAxis(
  node: GraphNode,
  from: UnitAxis,
  { view, outputRank }: { view: GraphView; outputRank: number | undefined },
): UnitAxis | undefined {
  const operand = view.constants.get(node.inputs[1] ?? '')?.value;
  const moved = operand === undefined ? intsAttribute(node, 'axes') : [...toFloat64(operand)];
  if (moved === undefined || outputRank === undefined || from.axis < 0) return undefined;
  const isUnsqueeze = node.opType === 'Unsqueeze';
  const rank = isUnsqueeze ? outputRank : outputRank + moved.length;
  const at = moved.map((axis) => (axis < 0 ? axis + rank : axis)).sort((a, b) => a - b);
  if (!isUnsqueeze) {
    if (at.includes(from.axis)) return undefined;
    return { axis: from.axis - at.filter((axis) => axis < from.axis).length, units: from.units };
  }
  let { axis } = from;
  for (const inserted of at) if (inserted <= axis) axis++;
  return { axis, units: from.units };
}

/** Returns the shape of a tensor type, if its rank is known. */
export function shapeOf(type: ValueType | undefined): readonly (number | string | null)[] | undefined {
  return type?.kind === 'tensor' ? (type.shape ?? undefined) : undefined;
}
