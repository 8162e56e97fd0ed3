import { UserError } from '../../../base/errors.js';
import { noSamples } from '../../../data/dataErrors.js';
import type { Dataset } from '../../../data/dataset.js';
import { inputTargets } from '../../../data/inputTargets.js';
import { idsInput } from '../../../data/text/textRoles.js';
import { formatAddress, resolveAddress } from '../../../onnx/addresses.js';
import type { LayerTable } from '../../../onnx/layers/layer.js';
import { layersOf } from '../../../onnx/layers/layerTable.js';
import type { Model } from '../../../onnx/model.js';
import { inferTypes } from '../../../onnx/shapes/inferTypes.js';
import type { Mlp } from '../../../protocol/structure.js';
import type { AnalysisContext } from '../../analysis.js';
import { measureRmsOf } from '../../shared/sweep.js';
import { concreteTypes, firstBatch, planTarget, sizesOf, type TargetFacts } from '../../shared/targetPlan.js';
import { maskInputOf, type SweepTarget } from '../../shared/targetTap.js';

/** The hidden units of one feed-forward layer, at every token. */
export interface TokenSite {
  readonly mlp: Mlp;
  /** What arrays are called by: `blocks.0.mlp.hidden`. */
  readonly name: string;
  /** The address of all its units. */
  readonly address: string;
  readonly target: SweepTarget;
  /** Units are active above this; where `isRelative`, their magnitude is. */
  readonly threshold: number;
  readonly isRelative: boolean;
}

/** Where a model's tokens come in, and the units that see them. */
export interface TokenSites {
  /** The input of token ids, [N, T]. */
  readonly ids: string;
  readonly table: LayerTable;
  readonly sites: readonly TokenSite[];
  readonly warnings: readonly string[];
}

/** Returns the input that takes token ids; undefined when a model has none. */
export function idsInputOf(model: Model, data?: Pick<Dataset, 'tokens'>): string | undefined {
  return data?.tokens?.input ?? idsInput(inputTargets(model))?.name;
}

/**
 * Returns the feed-forward layers whose hidden units stand at every token, in file order, with what makes them active: > 0 for
 * ReLU-like activations, |a| > ε × RMS of the layer for GELU-like ones and for products of gate and up.
 *
 * @throws UserError `no-tokens`, `no-feed-forward`, `data-empty`.
 */
export async function tokenSitesOf(
  context: AnalysisContext,
  data: Dataset,
  epsilon: number,
): Promise<TokenSites> {
  const { model, runtime, batchSize, limit, signal } = context;
  const ids = idsInputOf(model, data);
  const first = await firstBatch(context, data);
  if (first === undefined) throw noSamples(data.path);
  const length = ids === undefined ? undefined : first.feeds[ids]?.dims[1];
  if (ids === undefined || length === undefined) throw noTokens(model.file.path);
  const symbolic = inferTypes(model, { keepsUnnamed: true });
  const table = layersOf(model, symbolic);
  const types = await concreteTypes(
    context,
    first.feeds,
    table.mlps.map(({ hidden }) => hidden),
  );
  const { feeds, rowCount } = first;
  const facts = { model, types, symbolic, feeds, rowCount, maskInput: maskInputOf(data) };
  const planned = table.mlps.flatMap((mlp) => {
    const target = targetOf(mlp, table, facts);
    return target !== undefined && isAtTokens(target, length, facts) ? [{ mlp, target }] : [];
  });
  if (planned.length === 0) throw noFeedForward(model.file.path);
  const relative = planned.map(({ target }) => target).filter(isRelative);
  const rms = await measureRmsOf({ model, data, runtime, batchSize, limit, signal }, relative);
  const sites = planned.map(({ mlp, target }): TokenSite => {
    const { address } = resolveAddress(formatAddress({ layer: mlp.name, selector: 'hidden' }), table);
    const threshold = epsilon * (rms.get(target) ?? 0);
    return { mlp, name: target.layer, address, target, threshold, isRelative: isRelative(target) };
  });
  return { ids, table, sites, warnings: warningsOf(sites, facts) };
}

function targetOf(mlp: Mlp, { layers }: LayerTable, facts: TargetFacts): SweepTarget | undefined {
  const activation = layers.find(({ kind, output }) => kind === 'activation' && output === mlp.hidden);
  const target = planTarget(
    {
      name: `${mlp.name}.hidden`,
      output: mlp.hidden,
      unitAxis: -1,
      isInBody: false,
      input: null,
      family: activation?.family ?? null,
    },
    facts,
  );
  return typeof target === 'string' ? undefined : target;
}

/** [N, T, U], or [N · T, U] as some exporters fold it. */
function isAtTokens(target: SweepTarget, length: number, { types }: TargetFacts): boolean {
  if (target.rank === 2) return target.rowsPerSample === length;
  return (
    target.rank === 3 && target.rowsPerSample === 1 && sizesOf(types.get(target.leaving))?.[1] === length
  );
}

/** A product of two neurons is never exactly 0 where its gate is smooth, and of either sign. */
function isRelative({ rule }: SweepTarget): boolean {
  return rule.kind === 'smooth-rectifier' || rule.kind === 'unjudged';
}

function warningsOf(sites: readonly TokenSite[], { feeds, maskInput }: TargetFacts): string[] {
  if (feeds[maskInput] === undefined) return [];
  const unmasked = sites.filter(({ target }) => target.maskLayout === undefined).map(({ name }) => name);
  if (unmasked.length === 0) return [];
  return [
    `Masked tokens could not be left out of ${unmasked.join(', ')}: the mask does not line up with the tokens.`,
  ];
}

function noTokens(path: string): UserError {
  return new UserError(
    'no-tokens',
    `${path} has no input of token ids, integers of shape [N, T]. Choose a language model; if one of its inputs does take tokens, name it under "tokenizer" in an .inspect.json file.`,
    { detail: { path } },
  );
}

function noFeedForward(path: string): UserError {
  return new UserError(
    'no-feed-forward',
    `No feed-forward layer (dense, activation, dense) of ${path} has hidden units at every token. Choose a model whose feed-forward layers stand in the main graph; inspect shows the layers that were recognised.`,
    { detail: { path } },
  );
}
