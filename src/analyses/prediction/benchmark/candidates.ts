import { settingApplies } from '../../../protocol/settings.js';
import {
  attributionDefaults,
  type AttributionSettings,
  attributionSettings,
  type MethodName,
} from '../attribution/settings.js';
import { methods } from '../attribution/methods/methods.js';
import type { AttributionMethod } from '../attribution/problem.js';
import { type BenchmarkSettings, methodsIn } from './settings.js';

/** A method that takes part. */
export interface Candidate {
  readonly name: string;
  readonly method: Pick<AttributionMethod, 'title' | 'scoresAre' | 'attribute' | 'passesPerRow' | 'paperIds'>;
  readonly settings: AttributionSettings;
}

/** Methods whose draws are gradients, which cost more than a model run. */
const drawsGradients = new Set<MethodName>([
  'smoothgrad',
  'smoothgrad-squared',
  'vargrad',
  'expected-gradients',
  'gradient-shap',
]);

/** Returns the methods that are asked for. */
export function candidatesOf(settings: BenchmarkSettings): readonly Candidate[] {
  return methodsIn(settings).map((name) => ({
    name,
    method: methods[name],
    settings: settingsFor(name, settings),
  }));
}

/** Returns the settings of a method of `attribution` for a benchmark: its defaults, but for what is set for all. */
export function settingsFor(name: MethodName, settings: BenchmarkSettings): AttributionSettings {
  const { target, position, output, baseline, steps, layer } = settings;
  const { weightsMaps = false } = methods[name];
  const isDrawn = settingApplies(attributionSettings, 'samples', { method: name });
  return {
    ...attributionDefaults,
    ...{ method: name, target, position, output, baseline, steps },
    layer: weightsMaps ? layer : null,
    samples: isDrawn ? drawsOf(name, settings.samples) : null,
  };
}

function drawsOf(name: MethodName, runCount: number): number {
  if (drawsGradients.has(name)) return Math.max(2, Math.round(runCount / 10));
  // An order of about 64 features takes as many runs.
  return name === 'shapley-sampling' ? Math.max(2, Math.round(runCount / 64)) : runCount;
}
