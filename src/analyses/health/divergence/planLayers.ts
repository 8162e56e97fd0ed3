import type { Dataset } from '../../../data/dataset.js';
import type { LayerTable } from '../../../onnx/layers/layer.js';
import { layersOf } from '../../../onnx/layers/layerTable.js';
import type { AnalysisContext } from '../../analysis.js';
import { factsOfLayers, planTarget } from '../../shared/targetPlan.js';
import type { SweepTarget } from '../../shared/targetTap.js';

/** The layers whose channels can be measured. */
export interface LayerPlan {
  readonly table: LayerTable;
  readonly targets: readonly SweepTarget[];
  readonly unmeasured: readonly { readonly layer: string; readonly reason: string }[];
}

/** Returns every layer of the main graph whose output has channels, in file order; scopes repeat what they hold and are left out. */
export async function planLayers(context: AnalysisContext, data: Dataset): Promise<LayerPlan> {
  const found = await factsOfLayers(context, data, ({ layers }) =>
    layers.filter(({ kind }) => kind !== 'scope' && kind !== 'block'),
  );
  if (found === undefined) return { table: layersOf(context.model), targets: [], unmeasured: [] };
  const targets: SweepTarget[] = [];
  const unmeasured: { layer: string; reason: string }[] = [];
  for (const layer of found.layers) {
    const target = planTarget(layer, found.facts);
    if (typeof target === 'string') unmeasured.push({ layer: layer.name, reason: target });
    else targets.push(target);
  }
  return { table: found.table, targets, unmeasured };
}
