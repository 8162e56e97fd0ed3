import { type MeasuredUnit, measureUnit, type UnitRequest } from '../../src/analyses/unit/measureUnit.js';
import { unitPlaceOf } from '../../src/analyses/unit/unitPlace.js';
import { type UnitFigures, unitFiguresOf } from '../../src/analyses/unit/unitProfile.js';
import { createRandom } from '../../src/base/random.js';
import type { Dataset } from '../../src/data/dataset.js';
import { createRuntime } from '../../src/engine/runtime/ortRuntime.js';
import { layersOf } from '../../src/onnx/layers/layerTable.js';
import type { Model } from '../../src/onnx/model.js';

const runtime = createRuntime({ provider: 'cpu', threadCount: 2 });

/** Measures a neuron on data in memory. */
export async function measureUnitOn(
  model: Model,
  data: Dataset,
  address: string,
  options: Partial<UnitRequest> & { readonly binCount?: number; readonly seed?: number } = {},
): Promise<MeasuredUnit & { readonly figures: UnitFigures }> {
  const { binCount = 10, seed = 0, epsilon = 1e-3, ...rest } = options;
  const measured = await measureUnit(
    {
      model,
      data,
      runtime,
      batchSize: 64,
      limit: undefined,
      signal: new AbortController().signal,
      random: createRandom(seed),
      epsilon,
      exampleCount: 8,
      ...rest,
    },
    unitPlaceOf(address, layersOf(model)),
  );
  return { ...measured, figures: unitFiguresOf(measured, { epsilon, binCount }) };
}
