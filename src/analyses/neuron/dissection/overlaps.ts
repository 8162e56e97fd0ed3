import { countBits } from './bits.js';

/** Positions that the masks of units and concepts take and share, counted over samples. */
export class Overlaps {
  readonly unitCount: number;
  readonly conceptCount: number;
  /** |M_k|, `[U]`. */
  readonly unitAreas: Float64Array;
  /** |L_c|, `[C]`. */
  readonly conceptAreas: Float64Array;
  /** |M_k ∩ L_c|, `[U, C]`. */
  readonly shared: Float64Array;

  constructor(unitCount: number, conceptCount: number) {
    this.unitCount = unitCount;
    this.conceptCount = conceptCount;
    this.unitAreas = new Float64Array(unitCount);
    this.conceptAreas = new Float64Array(conceptCount);
    this.shared = new Float64Array(unitCount * conceptCount);
  }

  /** Takes one sample in: a mask for each concept, and one for each unit that has any position at all. */
  add(concepts: readonly Uint32Array[], units: ReadonlyMap<number, Uint32Array>): void {
    const areas = concepts.map((bits) => countBits(bits));
    for (const [concept, area] of areas.entries()) addTo(this.conceptAreas, concept, area);
    for (const [unit, mask] of units) {
      addTo(this.unitAreas, unit, countBits(mask));
      for (const [concept, bits] of concepts.entries()) {
        if (areas[concept] === 0) continue;
        addTo(this.shared, unit * this.conceptCount + concept, countBits(mask, bits));
      }
    }
  }

  /** Returns |M_k ∩ L_c| / |M_k ∪ L_c| of every unit and concept, `[U, C]`; 0 where both are empty. */
  ious(): Float64Array {
    return this.shared.map((shared, at) => {
      const unitArea = this.unitAreas[Math.floor(at / this.conceptCount)] ?? 0;
      const union = unitArea + (this.conceptAreas[at % this.conceptCount] ?? 0) - shared;
      return union === 0 ? 0 : shared / union;
    });
  }
}

function addTo(sums: Float64Array, at: number, amount: number): void {
  sums[at] = (sums[at] ?? 0) + amount;
}
