import type { Dataset } from '../../data/dataset.js';
import type { Layer, LayerTable } from '../../onnx/layers/layer.js';
import type { TensorValue } from '../../onnx/tensorValue.js';
import type { AnalysisContext } from '../analysis.js';
import type { UnjudgedLayer } from './healthBlocks.js';
import { factsOfLayers, planTarget } from './targetPlan.js';
import type { SweepTarget } from './targetTap.js';

/** Which values a sweep measures, what they are called, and what is left out. */
export interface ActivationPlan {
  readonly targets: readonly SweepTarget[];
  /** The layer whose units a target judges: the convolution or dense layer that feeds it, else itself. */
  readonly names: ReadonlyMap<SweepTarget, string>;
  readonly unjudged: readonly UnjudgedLayer[];
  readonly warnings: readonly string[];
}

/**
 * Returns what a sweep over a model's activations and gates measures; shapes are those of the first batch.
 *
 * Shapes are inferred; one probe run measures them where inference leaves a size open.
 */
export async function planActivations(
  context: Pick<AnalysisContext, 'model' | 'runtime' | 'batchSize' | 'signal'>,
  data: Dataset,
): Promise<ActivationPlan> {
  const found = await factsOfLayers(context, data, ({ layers }) => layers.filter(isMeasured));
  if (found === undefined) return { targets: [], names: new Map(), unjudged: [], warnings: [] };
  const { table, layers, facts } = found;
  const planned = layers.map((layer) => ({ layer, plan: planTarget(layer, facts) }));
  const targets: SweepTarget[] = [];
  const failed = new Map<string, string>();
  for (const { layer, plan } of planned) {
    if (typeof plan === 'string') failed.set(layer.name, plan);
    else targets.push(plan);
  }
  return {
    targets,
    names: new Map(targets.map((target) => [target, feederOf(target, table)])),
    unjudged: unjudgedLayers(table, failed),
    warnings: maskWarnings(targets, facts.feeds[facts.maskInput]),
  };
}

function isMeasured(layer: Layer): boolean {
  return layer.kind === 'activation' || layer.kind === 'gate';
}

function maskWarnings(targets: readonly SweepTarget[], mask: TensorValue | undefined): string[] {
  if (mask === undefined) return [];
  const unmasked = targets.filter((target) => target.maskLayout === undefined).map((target) => target.layer);
  if (unmasked.length === 0) return [];
  return [
    `Masked tokens could not be left out of ${unmasked.join(', ')}: the mask does not line up with the shape of their outputs.`,
  ];
}

/** The first layer with weights whose states are this activation's. */
function feederOf(target: SweepTarget, { layers }: LayerTable): string {
  const fed = layers.filter(
    (layer) =>
      layer.name !== target.layer &&
      layer.states.kind === 'activation' &&
      layer.states.layer === target.layer &&
      layer.kind !== 'scope' &&
      layer.kind !== 'block',
  );
  const [first] = fed.filter((layer) => layer.kind !== 'normalization');
  return (first ?? fed[0])?.name ?? target.layer;
}

function unjudgedLayers(table: LayerTable, failed: ReadonlyMap<string, string>): UnjudgedLayer[] {
  const unjudged: UnjudgedLayer[] = [];
  for (const { name, kind, states } of table.layers) {
    if (kind === 'scope' || kind === 'block') continue;
    const failure = failed.get(states.kind === 'activation' ? states.layer : name);
    if (failure !== undefined) unjudged.push({ layer: name, kind, reason: failure });
    else if (states.kind === 'not-judged') {
      const next = states.next === null ? '' : ` (next activation: ${states.next})`;
      unjudged.push({ layer: name, kind, reason: states.reason + next });
    }
  }
  return unjudged;
}
