import type { UnitProfile } from '../../src/protocol/units.js';

/** Returns a measured neuron with what a test says of it: active on 3 of 10 samples otherwise. */
export function unitProfile(given: Partial<UnitProfile> = {}): UnitProfile {
  const evidence = { kind: 'measured', n: 10 } as const;
  return {
    address: 'fc1[3]',
    measuredAt: 'relu1[3]',
    sampleCount: 10,
    sampleTotal: 10,
    elementCount: 10,
    state: 'active',
    stateMeaning: 'Nothing unusual.',
    evidence,
    maximum: 4,
    minimum: 0,
    mean: 0.6,
    standardDeviation: 1.2,
    activeSampleCount: 3,
    activeFraction: 0.3,
    histogram: { edges: [0, 2, 4], counts: [8, 2], evidence },
    topExamples: [],
    randomExamples: [],
    warnings: [],
    seed: 0,
    provider: 'cpu',
    batchSize: 10,
    durationMs: 100,
    ...given,
  };
}
