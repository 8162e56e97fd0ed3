import { argmax } from '../../../engine/numeric/vectors.js';
import type { TensorValue } from '../../../onnx/tensorValue.js';
import type { Evidence } from '../../../protocol/report.js';
import type { ResultArray } from '../../analysis.js';
import type { Concepts } from './concepts.js';
import type { ThresholdPass } from './measure.js';
import type { Overlaps } from './overlaps.js';
import type { UnitMapPlan } from './unitMaps.js';

/** A dissected layer, as far as it is known. */
export interface Dissection {
  readonly plan: UnitMapPlan;
  readonly pass: ThresholdPass;
  readonly concepts: Concepts;
  readonly overlaps: Overlaps;
  /** Samples that the overlaps were counted on. */
  readonly sampleCount: number;
  /** IoU above which a unit is a detector. */
  readonly minimumIou: number;
}

/** A unit with the concept that it overlaps best with. */
export interface UnitConcept {
  readonly unit: number;
  readonly concept: number;
  readonly iou: number;
  /** Share of all positions on which it is above its threshold. */
  readonly area: number;
  /** Share of those that the concept covers; NaN where there are none. */
  readonly precision: number;
  /** IoU of masks of these areas that lie independently: a·c / (a + c − a·c); NaN where both are empty. */
  readonly chance: number;
}

/** What a report says of a dissected layer. */
export interface DissectionFigures {
  /** `[U, C]`. */
  readonly ious: Float64Array;
  /** Best overlap first. */
  readonly units: readonly UnitConcept[];
  /** Those above the bar. */
  readonly detectors: readonly UnitConcept[];
  /** Detectors of each concept, `[C]`. */
  readonly detectorCounts: Float64Array;
}

/** Returns the best concept of every unit, and how many units detect each concept. */
export function figuresOf({
  plan,
  overlaps,
  concepts,
  sampleCount,
  minimumIou,
}: Dissection): DissectionFigures {
  const ious = overlaps.ious();
  const { conceptCount } = overlaps;
  const positions = (concepts.dims ?? plan.dims).reduce((product, size) => product * size, sampleCount);
  const units = Array.from({ length: plan.unitCount }, (_, unit): UnitConcept => {
    const row = ious.subarray(unit * conceptCount, (unit + 1) * conceptCount);
    const concept = argmax(row);
    const area = overlaps.unitAreas[unit] ?? 0;
    const shared = overlaps.shared[unit * conceptCount + concept] ?? 0;
    const shares = [area / positions, (overlaps.conceptAreas[concept] ?? 0) / positions] as const;
    const both = shares[0] * shares[1];
    const chance = both / (shares[0] + shares[1] - both);
    return { unit, concept, iou: row[concept] ?? 0, area: shares[0], precision: shared / area, chance };
  }).sort((a, b) => b.iou - a.iou || a.unit - b.unit);
  const detectors = units.filter(({ iou }) => iou > minimumIou);
  const detectorCounts = new Float64Array(conceptCount);
  for (const { concept } of detectors) detectorCounts[concept] = (detectorCounts[concept] ?? 0) + 1;
  return { ious, units, detectors, detectorCounts };
}

/** Returns the raw results: `LAYER.iou` [U, C], `LAYER.bestConcept`, `LAYER.threshold`, `LAYER.unitArea` [U], `conceptArea` [C]. */
export function dissectionArrays(
  { plan, pass, concepts, overlaps }: Dissection,
  { ious, units }: DissectionFigures,
  evidence: Evidence,
): Record<string, ResultArray> {
  const { unitCount, conceptCount } = overlaps;
  const how = `concepts: ${concepts.names.map((name, concept) => `${String(concept)} ${name}`).join(', ')}`;
  const best = new Int32Array(unitCount);
  for (const { unit, concept } of units) best[unit] = concept;
  const named = (name: string, value: TensorValue): [string, ResultArray] => [
    `${plan.layer}.${name}`,
    { value, evidence },
  ];
  const vector = (data: Float64Array): TensorValue => ({ dtype: 'float64', dims: [data.length], data });
  return {
    ...Object.fromEntries([
      named('threshold', vector(pass.thresholds)),
      named('unitArea', vector(overlaps.unitAreas)),
    ]),
    [`${plan.layer}.iou`]: {
      value: { dtype: 'float64', dims: [unitCount, conceptCount], data: ious },
      evidence: { ...evidence, how },
    },
    [`${plan.layer}.bestConcept`]: {
      value: { dtype: 'int32', dims: [unitCount], data: best },
      evidence: { ...evidence, how },
    },
    conceptArea: { value: vector(overlaps.conceptAreas), evidence: { ...evidence, how } },
  };
}
