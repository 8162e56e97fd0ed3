import { float32Tensor, type TensorValue } from '../../onnx/tensorValue.js';
import type { Change, Given } from './change.js';

/** A change of each variant; undefined where a variant leaves the value alone, which a mask sees to. */
export type VariantChanges = readonly (Change | undefined)[];

/**
 * Returns one change that does what each variant's own does, for a value with variants in front of its batch; undefined
 * where they differ in more than their numbers.
 *
 * `rank` is the value's without variants: tensors are brought to it before they are stacked.
 */
export function stackChanges(changes: VariantChanges, rank: number): Change | undefined {
  const first = changes.find((change) => change !== undefined);
  if (first === undefined) return undefined;
  const stacked = (tensorOf: (change: Change) => TensorValue | undefined): TensorValue | undefined =>
    stackTensors(
      changes.map((change) => (change === undefined ? 'none' : tensorOf(change))),
      rank,
    );
  switch (first.kind) {
    case 'mean': {
      const mean = stacked((change) => (change.kind === 'mean' ? change.mean : undefined));
      return mean && { kind: 'mean', mean };
    }
    case 'replace': {
      const by = stacked((change) => (change.kind === 'replace' ? constantOf(change.by) : undefined));
      return by && { kind: 'replace', by };
    }
    case 'add': {
      const direction = stacked((change) => (change.kind === 'add' ? scaledDirection(change) : undefined));
      return direction && { kind: 'add', direction };
    }
    case 'scale': {
      const factor = stacked((change) => (change.kind === 'scale' ? factorOf(change.factor) : undefined));
      return factor && { kind: 'scale', factor };
    }
    default:
      return changes.every((change) => change === undefined || isSame(change, first)) ? first : undefined;
  }
}

/** What is fed cannot be stacked. */
function constantOf(given: Given): TensorValue | undefined {
  return 'input' in given ? undefined : given;
}

function factorOf(factor: number | TensorValue): TensorValue {
  return typeof factor === 'number' ? float32Tensor([factor], []) : factor;
}

function scaledDirection({
  direction,
  scale = 1,
}: Extract<Change, { kind: 'add' }>): TensorValue | undefined {
  if (scale === 1) return direction;
  if (!(direction.data instanceof Float32Array)) return undefined;
  const factor = Math.fround(scale);
  return float32Tensor(
    direction.data.map((element) => element * factor),
    direction.dims,
  );
}

/** `[V, …]` of float32 tensors of one shape, each brought to the rank of the value; zeros where there is none. */
function stackTensors(
  tensors: readonly (TensorValue | 'none' | undefined)[],
  rank: number,
): TensorValue | undefined {
  const first = tensors.find((tensor) => tensor !== 'none');
  if (first === undefined) return undefined;
  const data = new Float32Array(tensors.length * first.data.length);
  for (const [index, tensor] of tensors.entries()) {
    if (tensor === 'none') continue;
    if (!(tensor?.data instanceof Float32Array) || tensor.dims.join() !== first.dims.join()) return undefined;
    data.set(tensor.data, index * first.data.length);
  }
  const leading = new Array<number>(Math.max(0, rank - first.dims.length)).fill(1);
  return float32Tensor(data, [tensors.length, ...leading, ...first.dims]);
}

function isSame(a: Change, b: Change): boolean {
  const text = (change: Change): string =>
    JSON.stringify(change, (_, value: unknown) =>
      ArrayBuffer.isView(value)
        ? Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('hex')
        : value,
    );
  return text(a) === text(b);
}
