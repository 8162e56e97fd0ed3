import { createTopK, insert } from '../../engine/numeric/topK.js';
import { toReportNumber } from '../../protocol/reportNumbers.js';
import type { ReportNumber } from '../../protocol/blocks.js';
import type { UnitExample, UnitMap } from '../../protocol/units.js';
import { coordinatesOf, type UnitLayout } from './unitLayout.js';

/** What a neuron made of one sample, pictures apart. */
export interface FoundExample extends Pick<UnitExample, 'value' | 'position' | 'map'> {
  /** Index of the sample in the data set. */
  readonly index: number;
  /** Of a sequence: the numbers about the largest. */
  readonly stretch?: Stretch;
}

/** Neighbouring positions of a sequence. */
export interface Stretch {
  /** Position of the first. */
  readonly start: number;
  /** null where the position is masked. */
  readonly values: UnitMap['values'];
  /** Positions of the whole sequence. */
  readonly length: number;
}

/** One sample's block, as it is told about. */
export interface ExampleBlock {
  readonly index: number;
  readonly layout: UnitLayout;
  readonly numbers: Float64Array;
  /** Elements that count, by the block's own elements; undefined: all. */
  readonly counted: Uint8Array | undefined;
  /** Elements that are not masked: what a map shows. */
  readonly unmasked: Uint8Array | undefined;
  readonly largest: number;
  /** Element of the largest number; −1 where there is none. */
  readonly largestAt: number;
}

/** The samples with the largest numbers, each with its map; only those that are among them are kept. */
export class TopExamples {
  private readonly top;
  private readonly found = new Map<number, FoundExample>();

  constructor(count: number) {
    this.top = createTopK(1, count);
  }

  offer(block: ExampleBlock): void {
    const { ids, values, k } = this.top;
    const last = values[k - 1] ?? -Infinity;
    // Ties go to the smaller index, which came first.
    if (!(block.largest > last || (ids[k - 1] ?? -1) < 0)) return;
    const dropped = ids[k - 1] ?? -1;
    insert(this.top, 0, block.largest, block.index);
    if (!ids.includes(block.index)) return;
    if (dropped >= 0) this.found.delete(dropped);
    this.found.set(block.index, exampleOf(block));
  }

  /** Largest first. */
  examples(): FoundExample[] {
    return Array.from(this.top.ids, (id) => this.found.get(id)).filter((example) => example !== undefined);
  }
}

/** Sides of a map that crosses, at most: more cannot be told apart on a thumbnail. */
const maxMapSide = 64;

/** Returns what the neuron made of a sample. */
export function exampleOf(block: ExampleBlock): FoundExample {
  const { index, layout, largest, largestAt } = block;
  const example = { index, value: toReportNumber(largest) };
  if (layout.dims.length === 0) return example;
  const position = coordinatesOf(Math.max(0, largestAt), layout.dims);
  const map = mapOf(block, position);
  const stretch = layout.dims.length === 1 ? { stretch: stretchOf(block, position[0] ?? 0) } : {};
  return { ...example, ...(largestAt < 0 ? {} : { position }), map, ...stretch };
}

/** Positions before and behind the largest number that say in what context it stands: what comes before says more. */
const [shownBefore, shownBehind] = [20, 8];

function stretchOf({ numbers, unmasked, layout }: ExampleBlock, at: number): Stretch {
  const length = layout.dims[0] ?? 0;
  const start = Math.max(0, at - shownBefore);
  const values = Array.from({ length: Math.min(length, at + shownBehind + 1) - start }, (_, place) => {
    const element = start + place;
    return unmasked?.[element] === 0 ? null : rounded(numbers[element] ?? NaN);
  });
  return { start, values, length };
}

function rounded(value: number): ReportNumber {
  return toReportNumber(Number(value.toPrecision(4)));
}

/** The last two position axes at the other coordinates of the largest number; larger maps are shrunk by their maxima. */
function mapOf({ numbers, unmasked, layout }: ExampleBlock, position: readonly number[]): UnitMap {
  const { dims } = layout;
  const width = dims.at(-1) ?? 1;
  const height = dims.length === 1 ? 1 : (dims.at(-2) ?? 1);
  const start = planeStart(position, dims) * width * height;
  const [stepX, stepY] = [width, height].map((side) => Math.ceil(side / maxMapSide)) as [number, number]; // a pair gives a pair
  const shrunk = { width: Math.ceil(width / stepX), height: Math.ceil(height / stepY) };
  const largest = new Float64Array(shrunk.width * shrunk.height).fill(-Infinity);
  const isSeen = new Uint8Array(largest.length);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const element = start + y * width + x;
      if (unmasked?.[element] === 0) continue;
      const cell = Math.floor(y / stepY) * shrunk.width + Math.floor(x / stepX);
      isSeen[cell] = 1;
      // NaN is carried on.
      largest[cell] = Math.max(largest[cell] ?? NaN, numbers[element] ?? NaN);
    }
  }
  const values = Array.from(largest, (value, cell) => (isSeen[cell] === 0 ? null : rounded(value)));
  return { ...shrunk, values };
}

function planeStart(position: readonly number[], dims: readonly number[]): number {
  return dims.slice(0, -2).reduce((flat, size, axis) => flat * size + (position[axis] ?? 0), 0);
}
