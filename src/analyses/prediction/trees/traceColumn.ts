import { constantLookup } from '../../../engine/gradients/constantLookup.js';
import { indexGraph } from '../../../onnx/graphIndex.js';
import { type GraphNode, intAttribute, type Model } from '../../../onnx/model.js';
import { toFloat64 } from '../../../onnx/tensorValue.js';

/** Operators that hand columns on as they are. */
const passive = new Set(['Identity', 'Cast', 'Reshape', 'Flatten', 'Squeeze', 'ZipMap']);

/** Where a column of a value was made. */
export interface ColumnOrigin {
  /** Undefined for an input or constant. */
  readonly node: GraphNode | undefined;
  readonly value: string;
  readonly column: number;
  /** Whether columns were picked on the way, so that others may stand elsewhere. */
  readonly isPicked: boolean;
}

/** Follows a column of a value up to where it was made. */
export type ColumnTracer = (value: string, column: number) => ColumnOrigin;

/** Returns what follows columns of `[N, C]` values up through operators that only hand them on or pick them (Slice, Gather). */
export function columnTracer(model: Model): ColumnTracer {
  const index = indexGraph(model.graph);
  const constantOf = constantLookup(model);
  const numbersOf = (name: string | undefined): readonly number[] | undefined => {
    const constant = name === undefined || name === '' ? undefined : constantOf(name);
    return constant === undefined ? undefined : [...toFloat64(constant)];
  };
  const follow = (name: string, at: number, isPicked: boolean): ColumnOrigin => {
    const node = index.producerOf(name);
    const [from = ''] = node?.inputs ?? [];
    if (node === undefined) return { node, value: name, column: at, isPicked };
    if (passive.has(node.opType)) return follow(from, at, isPicked);
    const picked =
      node.opType === 'Slice' || node.opType === 'Gather' ? pickedColumn(node, at, numbersOf) : undefined;
    return picked === undefined ? { node, value: name, column: at, isPicked } : follow(from, picked, true);
  };
  return (value, column) => follow(value, column, false);
}

/** The column of the first operand that a pick hands on as column `at`; undefined when it does more than pick columns. */
function pickedColumn(
  node: GraphNode,
  at: number,
  numbersOf: (name: string | undefined) => readonly number[] | undefined,
): number | undefined {
  if (node.opType === 'Gather') {
    const index = intAttribute(node, 'axis', 0) === 1 ? numbersOf(node.inputs[1])?.[at] : undefined;
    return index === undefined || index < 0 ? undefined : index;
  }
  const [starts, axes] = [numbersOf(node.inputs[1]), numbersOf(node.inputs[3])];
  const steps = node.inputs[4] === undefined || node.inputs[4] === '' ? [1] : numbersOf(node.inputs[4]);
  const [start = -1] = starts ?? [];
  const isOfColumns = axes?.length === 1 && axes[0] === 1 && steps?.[0] === 1 && start >= 0;
  return isOfColumns ? start + at : undefined;
}
