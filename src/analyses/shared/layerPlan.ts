import type { Dataset } from '../../data/dataset.js';
import type { LayerTable } from '../../onnx/layers/layer.js';
import { layersOf } from '../../onnx/layers/layerTable.js';
import type { Block } from '../../protocol/blocks.js';
import type { AnalysisContext } from '../analysis.js';
import { factsOfLayers, planTarget, type TargetFacts } from './targetPlan.js';
import type { SweepTarget } from './targetTap.js';

/** A layer that could not be measured. */
export interface UnmeasuredLayer {
  readonly layer: string;
  readonly reason: string;
}

/** The layers whose channels can be measured. */
export interface LayerPlan {
  readonly table: LayerTable;
  readonly targets: readonly SweepTarget[];
  readonly unmeasured: readonly UnmeasuredLayer[];
  /** What the targets were planned from; undefined when the data hold no sample. */
  readonly facts: TargetFacts | undefined;
}

/** Returns every layer of the main graph whose output has channels, in file order; scopes repeat what they hold and are left out. */
export async function planLayers(context: AnalysisContext, data: Dataset): Promise<LayerPlan> {
  const found = await factsOfLayers(context, data, ({ layers }) =>
    layers.filter(({ kind }) => kind !== 'scope' && kind !== 'block'),
  );
  if (found === undefined) {
    return { table: layersOf(context.model), targets: [], unmeasured: [], facts: undefined };
  }
  const targets: SweepTarget[] = [];
  const unmeasured: UnmeasuredLayer[] = [];
  for (const layer of found.layers) {
    const target = planTarget(layer, found.facts);
    if (typeof target === 'string') unmeasured.push({ layer: layer.name, reason: target });
    else targets.push(target);
  }
  return { table: found.table, targets, unmeasured, facts: found.facts };
}

/** Returns the layers that could not be measured, and why, where there are any. */
export function unmeasuredBlocks(unmeasured: readonly UnmeasuredLayer[]): Block[] {
  if (unmeasured.length === 0) return [];
  return [
    {
      type: 'table',
      title: 'Not measured',
      folded: true,
      columns: [
        { key: 'layer', label: 'Layer', kind: 'address' },
        { key: 'reason', label: 'Why', kind: 'text' },
      ],
      rows: unmeasured.map(({ layer, reason }) => ({ layer, reason })),
    },
  ];
}
