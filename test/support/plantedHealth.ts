import type { Report } from '../../src/protocol/report.js';
import type { RunRequest } from '../../src/protocol/engineMessages.js';
import type { TensorValue } from '../../src/onnx/tensorValue.js';
import { writeArrays } from '../../src/runs/arrays.js';
import { makeReport } from './makeReport.js';

/** A unit as a health run would have measured it. */
export interface PlantedUnit {
  /** Code of its state, see `unitStates`. */
  readonly state: number;
  readonly activeSampleCount: number;
  readonly maximum: number;
  readonly topExamples: readonly number[];
  readonly histogram: readonly number[];
}

/** Writes the arrays of a health run that measured one activation. */
export function plantHealthArrays(folder: string, layer: string, units: readonly PlantedUnit[]): void {
  const vector = (of: (unit: PlantedUnit) => number): TensorValue => ({
    dtype: 'float64',
    dims: [units.length],
    data: Float64Array.from(units, of),
  });
  const top = units[0]?.topExamples.length ?? 0;
  const bins = units[0]?.histogram.length ?? 0;
  writeArrays(
    folder,
    new Map<string, TensorValue>([
      [
        `${layer}.state`,
        { dtype: 'uint8', dims: [units.length], data: Uint8Array.from(units, (unit) => unit.state) },
      ],
      [`${layer}.activeSampleCount`, vector((unit) => unit.activeSampleCount)],
      [`${layer}.activeFraction`, vector((unit) => unit.activeSampleCount / 2000)],
      [`${layer}.maximum`, vector((unit) => unit.maximum)],
      [`${layer}.mean`, vector(() => 0.5)],
      [
        `${layer}.topExamples`,
        {
          dtype: 'int32',
          dims: [units.length, top],
          data: Int32Array.from(units.flatMap((unit) => unit.topExamples)),
        },
      ],
      [
        `${layer}.histogram`,
        {
          dtype: 'float64',
          dims: [units.length, bins],
          data: Float64Array.from(units.flatMap((unit) => unit.histogram)),
        },
      ],
    ]),
  );
}

/** Returns the report and the request of a health run on images. */
export function plantedHealthRun(paths: {
  readonly modelPath: string;
  readonly dataPath: string;
  readonly sampleCount: number;
}): { readonly report: Report; readonly request: RunRequest } {
  const { modelPath, dataPath, sampleCount } = paths;
  return {
    report: makeReport({
      analysis: 'dead-neurons',
      status: 'complete',
      data: { path: dataPath, kind: 'idx', sampleCount },
      createdAt: new Date().toISOString(),
    }),
    request: {
      kind: 'run',
      analysis: 'dead-neurons',
      modelPath,
      dataPath,
      settings: {},
      seed: 0,
      provider: 'cpu',
    },
  };
}
