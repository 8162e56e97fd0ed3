import { UserError } from '../base/errors.js';
import { elementCountOf } from '../onnx/tensorValue.js';
import { packedSizeBytes } from '../onnx/dataTypes.js';
import type { Model, ValueType } from '../onnx/model.js';
import { inferTypes } from '../onnx/shapes/inferTypes.js';

/** Memory that the activations of one batch may take unless a setting says otherwise. */
export const defaultMemoryMegabytes = 256;

/** Larger batches gain little on any provider and make progress coarse. */
const maxBatchSize = 128;

/** What a batch size is chosen from. */
export interface BatchSizeChoice {
  readonly model: Model;
  /** Concrete shapes of one sample per input, batch axis 1; without them shapes in the file must do. */
  readonly sampleShapes: Readonly<Record<string, readonly number[]>>;
  readonly memoryMegabytes: number;
  /** What the person asked for. */
  readonly wanted: number | undefined;
}

/**
 * Returns the samples per run: the wanted number, the model's fixed batch, or the largest power of two (at most 128)
 * whose activations, all held at once, fit into the memory setting.
 *
 * It depends on the model and the setting only, never on free memory, so that a run repeats on another machine.
 *
 * @throws UserError `fixed-batch` when the model's batch is fixed and another number is wanted.
 */
export function chooseBatchSize(choice: BatchSizeChoice): number {
  const fixed = fixedBatchSize(choice.model);
  if (fixed !== undefined) {
    if (choice.wanted !== undefined && choice.wanted !== fixed) {
      throw new UserError(
        'fixed-batch',
        `The model's batch size is fixed at ${fixed}, so --batch ${choice.wanted} is not possible. Leave --batch out, or export the model with a dynamic batch axis.`,
        { detail: { fixed, wanted: choice.wanted } },
      );
    }
    return fixed;
  }
  if (choice.wanted !== undefined) return choice.wanted;
  const sampleBytes = activationBytesOfOneSample(choice);
  const fitting = (choice.memoryMegabytes * 1024 * 1024) / Math.max(1, sampleBytes);
  return 2 ** Math.floor(Math.log2(Math.min(maxBatchSize, Math.max(1, fitting))));
}

/** Returns the batch size that the model's inputs prescribe, or undefined when it is free. */
function fixedBatchSize(model: Model): number | undefined {
  let fixed: number | undefined;
  for (const input of model.graph.inputs) {
    if (model.graph.initializers.has(input.name)) continue;
    const first = input.type.kind === 'tensor' ? input.type.shape?.[0] : undefined;
    if (typeof first !== 'number') return undefined;
    if (fixed !== undefined && fixed !== first) return undefined;
    fixed = first;
  }
  return fixed;
}

/** Every value counts, though the runtime reuses buffers: an upper bound that needs no run. */
function activationBytesOfOneSample({ model, sampleShapes }: BatchSizeChoice): number {
  const types = inferTypes(model, { inputShapes: sampleShapes });
  let bytes = 0;
  for (const [name, type] of types) {
    if (!model.graph.initializers.has(name)) bytes += bytesOf(type);
  }
  return bytes;
}

function bytesOf(type: ValueType): number {
  if (type.kind !== 'tensor' || type.shape === null) return 0;
  // A dimension that stayed unknown counts as 1: the batch axis itself, when the file names it.
  const dims = type.shape.map((dim) => (typeof dim === 'number' ? dim : 1));
  return packedSizeBytes(type.elementType, elementCountOf(dims));
}
