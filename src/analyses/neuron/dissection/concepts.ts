import { createBits, setAll, setBit } from './bits.js';
import { toFloat64 } from '../../../onnx/tensorValue.js';
import { type NamedArray, readRow } from '../../../data/namedArray.js';

/** Masks of named concepts for every sample. */
export interface Concepts {
  readonly names: readonly string[];
  /** Sizes of the masks' position axes; undefined where concepts hold for whole samples. */
  readonly dims: readonly number[] | undefined;
  /** Whether the classes of the data stand for concepts. */
  readonly areLabels: boolean;
  open(): Promise<ConceptReader>;
}

/** Reads the masks of one sample after the other. */
export interface ConceptReader {
  /** Returns a mask over `positionCount` positions for each concept. */
  read(sample: number, positionCount: number): Promise<readonly Uint32Array[]>;
  close(): Promise<void>;
}

/** Returns the classes of the data as concepts that hold for whole samples; a negative label stands for none. */
export function labelConcepts(labels: Int32Array, labelNames: readonly string[] | undefined): Concepts {
  const count = Math.max(
    labelNames?.length ?? 0,
    labels.reduce((most, label) => Math.max(most, label + 1), 0),
  );
  const names = Array.from({ length: count }, (_, label) => labelNames?.[label] ?? `class ${String(label)}`);
  const reader: ConceptReader = {
    read: (sample, positionCount) =>
      Promise.resolve(
        names.map((_, concept) => {
          const bits = createBits(positionCount);
          if (labels[sample] === concept) setAll(bits, positionCount);
          return bits;
        }),
      ),
    close: () => Promise.resolve(),
  };
  return { names, dims: undefined, areLabels: true, open: () => Promise.resolve(reader) };
}

/** An array of masks: of one concept, 0 or 1, or of several, as numbers of classes. */
export interface MaskArray {
  readonly array: NamedArray;
  /** Class numbers of the concepts that it holds; undefined: one concept, where it is not 0. */
  readonly classes: readonly number[] | undefined;
}

/** Returns a reader of masks in files: only the rows that are asked for are in memory. */
export async function openMasks(masks: readonly MaskArray[]): Promise<ConceptReader> {
  const opened = await Promise.all(
    masks.map(async (mask) => ({ ...mask, reader: await mask.array.bytes.open() })),
  );
  return {
    async read(sample, positionCount) {
      const bits: Uint32Array[] = [];
      for (const { array, classes, reader } of opened) {
        const { dtype, dims } = array;
        const data = await readRow(array, reader, sample);
        const numbers = toFloat64({ dtype, dims: dims.slice(1), data });
        bits.push(
          ...(classes === undefined
            ? [maskOf(numbers, positionCount)]
            : masksOf(numbers, classes, positionCount)),
        );
      }
      return bits;
    },
    async close() {
      for (const { reader } of opened) await reader.close();
    },
  };
}

function maskOf(numbers: Float64Array, positionCount: number): Uint32Array {
  const bits = createBits(positionCount);
  fill(bits, { numbers, positionCount }, 1);
  return bits;
}

function masksOf(numbers: Float64Array, classes: readonly number[], positionCount: number): Uint32Array[] {
  return classes.map((each) => {
    const bits = createBits(positionCount);
    fill(bits, { numbers, positionCount }, each);
    return bits;
  });
}

/** Puts the positions that hold a number into a mask; one number alone stands for all positions. */
function fill(
  bits: Uint32Array,
  { numbers, positionCount }: { readonly numbers: Float64Array; readonly positionCount: number },
  wanted: number,
): void {
  if (numbers.length === 1) {
    if (numbers[0] === wanted) setAll(bits, positionCount);
    return;
  }
  for (let position = 0; position < numbers.length; position++) {
    if (numbers[position] === wanted) setBit(bits, position);
  }
}
