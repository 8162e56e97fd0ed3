import { throwIfAborted, yieldToEventLoop } from '../../../base/abort.js';

/** Vectors of the units of a layer: what leads into each and what is read from it. */
export interface UnitVectors {
  readonly unitCount: number;
  /** `[units, in]`, row by row. */
  readonly incoming: Float64Array;
  /** `[units, out]`. */
  readonly outgoing: Float64Array;
}

/** One merge: of the clusters that `kept` and `gone` (units, the first of each) stand for. */
export interface Merge {
  readonly kept: number;
  readonly gone: number;
  /** The largest distance of this merge and those before it: the smallest β above it makes the merge happen. */
  readonly distance: number;
}

/** What distances are measured on. */
export type Compared = 'both' | 'incoming';

/**
 * Returns all merges of a layer's units, nearest first, until one is left.
 *
 * The distance of two clusters is that of the means of their units: d² = ½ ‖Δin‖²/mᵢₙ + ½ ‖Δout‖²/mₒᵤₜ with m the mean squared
 * length over the layer's units, or the first term alone, doubled. Means of means are the centroids that Lance and Williams'
 * formula updates, so only the first distances cost (units)² · (weights of a unit). A NaN is far from everything.
 */
export async function mergeSequence(
  vectors: UnitVectors,
  compared: Compared,
  signal: AbortSignal,
): Promise<Merge[]> {
  const distances = await squaredDistances(vectors, compared, signal);
  const merges: Merge[] = [];
  const clusters = new Clusters(distances, vectors.unitCount);
  let highest = 0;
  while (merges.length < vectors.unitCount - 1) {
    const { kept, gone, squared } = clusters.nearest();
    if (!Number.isFinite(squared)) break;
    highest = Math.max(highest, Math.sqrt(Math.max(0, squared)));
    merges.push({ kept, gone, distance: highest });
    clusters.merge(kept, gone);
    if (merges.length % 64 === 0) await yieldToEventLoop();
    throwIfAborted(signal);
  }
  return merges;
}

/** Returns, for every unit, the first unit of the cluster it is in when all merges under β are done. */
export function clustersAt(merges: readonly Merge[], unitCount: number, beta: number): Int32Array {
  const parents = Int32Array.from({ length: unitCount }, (_, unit) => unit);
  for (const { kept, gone, distance } of merges) if (distance < beta) parents[gone] = kept;
  return parents.map((_, unit) => {
    let at = unit;
    while (parents[at] !== at) at = parents[at] ?? at;
    return at;
  });
}

async function squaredDistances(
  { unitCount, incoming, outgoing }: UnitVectors,
  compared: Compared,
  signal: AbortSignal,
): Promise<Float64Array> {
  const distances = new Float64Array(unitCount * unitCount);
  const parts = compared === 'both' ? [incoming, outgoing] : [incoming];
  for (const part of parts) {
    const size = part.length / unitCount;
    const scale = 1 / parts.length / (meanSquare(part) * size || 1);
    for (let i = 0; i < unitCount; i++) {
      for (let j = 0; j < i; j++) {
        const added = scale * squaredDistance(part, size, [i, j]);
        distances[i * unitCount + j] = (distances[i * unitCount + j] ?? 0) + added;
        distances[j * unitCount + i] = distances[i * unitCount + j] ?? NaN;
      }
      if (i % 16 === 15) {
        await yieldToEventLoop();
        throwIfAborted(signal);
      }
    }
  }
  return distances;
}

function meanSquare(values: Float64Array): number {
  let sum = 0;
  for (const value of values) sum += value * value;
  return values.length === 0 ? 0 : sum / values.length;
}

function squaredDistance(part: Float64Array, size: number, [i, j]: readonly [number, number]): number {
  let sum = 0;
  for (let k = 0; k < size; k++) sum += ((part[i * size + k] ?? 0) - (part[j * size + k] ?? 0)) ** 2;
  return sum;
}

/** Clusters that are left, with the nearest of each. */
class Clusters {
  private readonly sizes: Float64Array;
  private readonly alive: Set<number>;
  private readonly neighbour: Int32Array;

  constructor(
    private readonly squared: Float64Array,
    private readonly unitCount: number,
  ) {
    this.sizes = new Float64Array(unitCount).fill(1);
    this.alive = new Set(Array.from({ length: unitCount }, (_, unit) => unit));
    this.neighbour = new Int32Array(unitCount).fill(-1);
    for (const unit of this.alive) this.look(unit);
  }

  nearest(): { readonly kept: number; readonly gone: number; readonly squared: number } {
    let best = { kept: -1, gone: -1, squared: Infinity };
    for (const unit of this.alive) {
      const other = this.neighbour[unit] ?? -1;
      const squared = other < 0 ? Infinity : this.at(unit, other);
      if (squared < best.squared) {
        best = { kept: Math.min(unit, other), gone: Math.max(unit, other), squared };
      }
    }
    return best;
  }

  /** Lance–Williams for centroids: d²(k, i∪j) = (nᵢ d²(k,i) + nⱼ d²(k,j))/n − nᵢ nⱼ d²(i,j)/n². */
  merge(kept: number, gone: number): void {
    const [a, b] = [this.sizes[kept] ?? 1, this.sizes[gone] ?? 1];
    const between = this.at(kept, gone);
    const n = a + b;
    this.alive.delete(gone);
    this.sizes[kept] = n;
    for (const other of this.alive) {
      if (other === kept) continue;
      const squared = (a * this.at(other, kept) + b * this.at(other, gone)) / n - (a * b * between) / (n * n);
      this.squared[other * this.unitCount + kept] = squared;
      this.squared[kept * this.unitCount + other] = squared;
    }
    this.look(kept);
    for (const other of this.alive) {
      if (other === kept) continue;
      const known = this.neighbour[other] ?? -1;
      if (known === gone || known === kept) this.look(other);
      else if (known < 0 || this.at(other, kept) < this.at(other, known)) this.neighbour[other] = kept;
    }
  }

  private at(i: number, j: number): number {
    return this.squared[i * this.unitCount + j] ?? NaN;
  }

  /** The first of the nearest. */
  private look(unit: number): void {
    let best = -1;
    for (const other of this.alive) {
      if (other === unit || !Number.isFinite(this.at(unit, other))) continue;
      if (best < 0 || this.at(unit, other) < this.at(unit, best)) best = other;
    }
    this.neighbour[unit] = best;
  }
}
