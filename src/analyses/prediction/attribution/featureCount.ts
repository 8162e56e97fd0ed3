import type { Workload } from '../../analysis.js';
import { aboutFeatureCount, defaultFeatureCount } from '../features/features.js';
import type { FeatureInput } from '../features/partition.js';
import { explainableInputs } from './inputs.js';
import { channelAxisOf } from '../../shared/layout.js';
import type { AttributionSettings } from './settings.js';

/** Returns about how many features a row will have; those of a mask, which is not read here, are taken for the default number. */
export function featureCountOf(
  settings: Pick<AttributionSettings, 'featureCount' | 'featureMask' | 'patch' | 'groups'> &
    Partial<Pick<AttributionSettings, 'features'>>,
  workload: Workload,
  defaultCount?: number,
): number {
  const count = settings.featureCount ?? defaultCount ?? defaultFeatureCount;
  if (settings.featureMask !== null) return count;
  const { features = 'auto' } = settings;
  return explainedShapes(workload).reduce(
    (sum, input) => sum + aboutFeatureCount(input, { ...settings, features, count }),
    0,
  );
}

/** Returns the shapes of a row of every explained input; of token ids that of the ids. */
export function explainedShapes({ model, sampleShapes }: Workload): Omit<FeatureInput, 'elements'>[] {
  const types = model.graph.inputs.flatMap(({ name, type }) =>
    type.kind === 'tensor' && name in sampleShapes ? [[name, { dtype: type.elementType }] as const] : [],
  );
  return explainableInputs(model, Object.fromEntries(types)).map(({ name }) => {
    const dims = sampleShapes[name] ?? [];
    return { name, dims, channelAxis: channelAxisOf(model, name, dims) };
  });
}
