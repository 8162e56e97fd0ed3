import { layersOf } from '../../../onnx/layers/layerTable.js';
import type { Model } from '../../../onnx/model.js';
import { inferTypes } from '../../../onnx/shapes/inferTypes.js';
import type { AnalysisContext } from '../../analysis.js';
import { concreteTypes, firstBatch, planTarget, sizesOf } from '../../shared/targetPlan.js';
import { maskInputOf, type SweepTarget } from '../../shared/targetTap.js';

/** A value that is looked at as a whole: what a residual block hands on, or a layer's output. */
export interface HiddenState {
  readonly target: SweepTarget;
  /** Shape of one sample, folded rows in front; its axis of units. */
  readonly sampleDims: readonly number[];
  readonly unitAxis: number;
  /** Whether the name is an address of the model. */
  readonly isAddress: boolean;
}

/** Layers looked at where there is no residual stream. */
const maxLayerCount = 64;

/**
 * Returns the hidden states of a model, in file order: what its residual blocks give (the residual stream), or the output of
 * every layer where it has none.
 */
export async function hiddenStatesOf(context: AnalysisContext, model: Model): Promise<HiddenState[]> {
  const { data } = context;
  const first = data === undefined ? undefined : await firstBatch({ ...context, model }, data);
  if (first === undefined || data === undefined) return [];
  const symbolic = inferTypes(model, { keepsUnnamed: true });
  const { layers, blocks, byName } = layersOf(model, symbolic);
  const stream = blocks.filter(({ kind }) => kind === 'residual');
  const leaves = layers.filter(({ kind, isInBody }) => kind !== 'scope' && kind !== 'block' && !isInBody);
  const sources = stream.length > 0 ? stream : leaves.slice(0, maxLayerCount);
  const types = await concreteTypes(
    { ...context, model },
    first.feeds,
    sources.map(({ output }) => output),
  );
  const { feeds, rowCount } = first;
  const facts = { model, types, symbolic, feeds, rowCount, maskInput: maskInputOf(data) };
  const seen = new Set<string>();
  return sources.flatMap(({ name, output }): HiddenState[] => {
    const dims = sizesOf(types.get(output));
    if (dims === undefined || seen.has(output)) return [];
    seen.add(output);
    const own = layers.find((layer) => layer.output === output)?.unitAxis ?? null;
    // Channels of maps are axis 1, features of tokens and rows the last.
    const unitAxis = own ?? (dims.length >= 4 ? 1 : -1);
    const layer = { name, output, unitAxis, isInBody: false, input: null, family: null };
    const target = planTarget(layer, facts);
    if (typeof target === 'string') return [];
    const isFolded = target.rowsPerSample > 1;
    return [
      {
        target,
        sampleDims: isFolded ? [target.rowsPerSample, ...dims.slice(1)] : dims.slice(1),
        unitAxis: isFolded ? target.unitAxis : target.unitAxis - 1,
        isAddress: byName.has(name),
      },
    ];
  });
}
