import type { TensorValue } from '../../../onnx/tensorValue.js';
import { toFloat64 } from '../../../onnx/tensorValue.js';
import type { Router } from './routers.js';

/** How the modules behind one router were used. */
export interface Usage {
  readonly name: string;
  readonly kind: Router['kind'] | 'branches';
  readonly modules: readonly string[];
  /** Samples that used a module at least once. */
  readonly sampleCounts: Float64Array;
  /** Sum over positions of the module's share of the weights; each position counts 1. */
  readonly mass: Float64Array;
  /** Positions, or times that a branch was asked for. */
  positionCount: number;
  sampleCount: number;
  /** Samples that used a module, by label. */
  readonly byLabel: Map<number, { sampleCount: number; readonly sampleCounts: Float64Array }>;
}

/** Returns a usage of nothing yet. */
export function noUsage(name: string, kind: Usage['kind'], modules: readonly string[]): Usage {
  return {
    ...{ name, kind, modules, positionCount: 0, sampleCount: 0, byLabel: new Map() },
    sampleCounts: new Float64Array(modules.length),
    mass: new Float64Array(modules.length),
  };
}

/** What a sample did at one router. */
export interface SampleUsage {
  /** Shares of the weights, summed over positions. */
  readonly mass: Float64Array;
  readonly positionCount: number;
  /** Modules it used at any position. */
  readonly used: ReadonlySet<number>;
}

/** Adds a sample. */
export function addSample(usage: Usage, { mass, positionCount, used }: SampleUsage, label?: number): void {
  usage.sampleCount++;
  usage.positionCount += positionCount;
  for (const [index, share] of mass.entries()) usage.mass[index] = (usage.mass[index] ?? 0) + share;
  const groups = [usage.sampleCounts];
  if (label !== undefined) {
    const own = usage.byLabel.get(label) ?? {
      sampleCount: 0,
      sampleCounts: new Float64Array(usage.modules.length),
    };
    own.sampleCount++;
    usage.byLabel.set(label, own);
    groups.push(own.sampleCounts);
  }
  for (const counts of groups) for (const index of used) counts[index] = (counts[index] ?? 0) + 1;
}

/** Returns what each sample of a batch did: weights [N, …, modules] (or [N, …, k] of the chosen), and the chosen modules [N, …, k] where the graph chooses. */
export function usageOfBatch(
  router: Router,
  { weights, chosen }: { readonly weights: TensorValue; readonly chosen: TensorValue | undefined },
  threshold: number,
): SampleUsage[] {
  const { moduleCount } = router;
  const all = toFloat64(weights);
  const picked = chosen === undefined ? undefined : toFloat64(chosen);
  const sampleCount = weights.dims[0] ?? 0;
  const width = router.areOfChosen === true ? (weights.dims.at(-1) ?? 1) : moduleCount;
  const positionCount = all.length / Math.max(1, sampleCount * width);
  const pickedCount = picked === undefined ? 0 : picked.length / Math.max(1, sampleCount * positionCount);
  return Array.from({ length: sampleCount }, (_, sample) => {
    const mass = new Float64Array(moduleCount);
    const used = new Set<number>();
    for (let position = 0; position < positionCount; position++) {
      const at = sample * positionCount + position;
      const row = all.subarray(at * width, (at + 1) * width);
      const own = picked?.subarray(at * pickedCount, (at + 1) * pickedCount);
      const values = router.areScores ? softmax(row) : row;
      const total = values.reduce((sum, value) => sum + Math.abs(value), 0);
      for (const [place, value] of values.entries()) {
        const index = router.areOfChosen === true ? (own?.[place] ?? place) : place;
        if (total > 0) mass[index] = (mass[index] ?? 0) + Math.abs(value) / total;
      }
      for (const index of own ?? chosenOf(values, router.chosenCount, threshold)) used.add(index);
    }
    return { mass, positionCount, used };
  });
}

function chosenOf(values: Float64Array, count: number | undefined, threshold: number): number[] {
  const order = [...values.keys()];
  if (count === undefined) return order.filter((index) => Math.abs(values[index] ?? 0) > threshold);
  return order.sort((a, b) => (values[b] ?? 0) - (values[a] ?? 0)).slice(0, count);
}

function softmax(scores: Float64Array): Float64Array {
  const most = Math.max(...scores);
  const powers = scores.map((score) => Math.exp(score - most));
  const total = powers.reduce((sum, power) => sum + power, 0);
  return powers.map((power) => power / total);
}
