import { UserError } from '../../../base/errors.js';
import { noSamples } from '../../../data/dataErrors.js';
import type { Dataset } from '../../../data/dataset.js';
import { resolveAddress } from '../../../onnx/addresses.js';
import type { Layer, LayerTable } from '../../../onnx/layers/layer.js';
import type { AnalysisContext } from '../../analysis.js';
import { factsOfLayers, planTarget, type TargetLayer } from '../../shared/targetPlan.js';
import type { SweepTarget } from '../../shared/targetTap.js';

/**
 * Returns where features are read: the layer that is asked for; by default behind the last convolution and its activation, or
 * the last activation where there is no convolution, or the last layer that can be measured.
 *
 * @throws UserError as `resolveAddress` does, `layer-not-whole`, `layer-unmeasured`, `data-empty`.
 */
export async function chooseFeatureLayer(
  context: AnalysisContext,
  data: Dataset,
  wanted: string | null,
): Promise<SweepTarget> {
  const found = await factsOfLayers(context, data, (table) =>
    wanted === null ? defaultLayers(table) : [askedLayer(wanted, table)],
  );
  if (found === undefined) throw noSamples(data.path);
  let reason = 'the model has no layer with units';
  for (const candidate of found.layers) {
    const target = planTarget(candidate, found.facts);
    if (typeof target !== 'string') return target;
    reason = `${candidate.name}: ${target}`;
  }
  throw new UserError(
    'layer-unmeasured',
    `Features cannot be measured (${reason}). Set layer to one with numbers of each sample; "inspect" lists the layers of a model.`,
    { detail: { layer: wanted } },
  );
}

function askedLayer(wanted: string, table: LayerTable): TargetLayer {
  const { name, value, unitAxis, isInBody, unit, position } = resolveAddress(wanted, table);
  if (unit !== undefined || position !== undefined) {
    throw new UserError(
      'layer-not-whole',
      `Diversity is of all units of a layer, and ${wanted} is a part of one. Set layer=${name}.`,
      { detail: { layer: wanted } },
    );
  }
  return { name, output: value, unitAxis, isInBody, input: null, family: null };
}

/** Best first. */
function defaultLayers({ layers, byName }: LayerTable): Layer[] {
  const own = layers.filter(({ kind, isInBody }) => kind !== 'scope' && kind !== 'block' && !isInBody);
  const backwards = [...own].reverse();
  const behind = backwards
    .filter(({ kind }) => kind === 'conv')
    .map(
      (layer) => (layer.states.kind === 'activation' ? byName.get(layer.states.layer) : undefined) ?? layer,
    );
  return [...behind, ...backwards.filter(({ kind }) => kind === 'activation'), ...backwards];
}
