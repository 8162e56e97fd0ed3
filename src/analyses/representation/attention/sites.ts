import { UserError } from '../../../base/errors.js';
import { findLocalActivations } from '../../../onnx/blocks/kinds/localActivationUnit.js';
import { mainBlockContext } from '../../../onnx/blocks/findBlocks.js';
import { layersOf } from '../../../onnx/layers/layerTable.js';
import type { Model } from '../../../onnx/model.js';
import { inferTypes } from '../../../onnx/shapes/inferTypes.js';
import { namedAttentions, withPlainAttention } from '../../shared/attention/plainAttention.js';

/** Something that weights values by how they fit a query: attention, or a local activation unit. */
export interface AttentionSite {
  readonly name: string;
  readonly kind: 'attention' | 'local-activation';
  readonly relation: 'self' | 'cross';
  readonly selection: 'soft' | 'hard';
  readonly wasFused: boolean;
  /** Value that holds the weights. */
  readonly value: string;
}

/** The sites of a model, in a form of the model that can be tapped at them. */
export interface AttentionSites {
  readonly model: Model;
  readonly sites: readonly AttentionSite[];
  /** Names of attention whose weights cannot be read. */
  readonly hidden: readonly string[];
}

/**
 * Finds what attends in a model, fused attention written out.
 *
 * @throws UserError `no-attention` when nothing attends, or all of it hides its weights.
 */
export function attentionSites(original: Model): AttentionSites {
  const model = withPlainAttention(original);
  const types = inferTypes(model);
  const named = namedAttentions(original, model, types);
  const attentions = named.flatMap(({ probabilities, ...found }): AttentionSite[] => {
    const { name, relation, selection, wasFused } = found;
    if (probabilities === undefined) return [];
    return [{ name, kind: 'attention', relation, selection, wasFused, value: probabilities }];
  });
  const units = localActivations(model);
  const hidden = named.filter(({ probabilities }) => probabilities === undefined).map(({ name }) => name);
  // A unit that ends in a softmax over a product of computed values is both; it is what it was built as.
  const values = new Set(units.map(({ value }) => value));
  const sites = [...attentions.filter(({ value }) => !values.has(value)), ...units];
  if (sites.length === 0) throw noAttention(hidden);
  return { model, sites: uniquelyNamed(sites), hidden };
}

function localActivations(model: Model): AttentionSite[] {
  const types = inferTypes(model);
  const found = findLocalActivations(mainBlockContext(model, types));
  if (found.length === 0) return [];
  const blocks = layersOf(model, types).blocks.filter(({ kind }) => kind === 'local-activation-unit');
  return found.map(({ weights, output }, index) => ({
    name: blocks.find((block) => block.output === output)?.name ?? `unit_${String(index)}`,
    kind: 'local-activation',
    relation: 'cross',
    selection: 'soft',
    wasFused: false,
    value: weights,
  }));
}

function uniquelyNamed(sites: readonly AttentionSite[]): AttentionSite[] {
  const used = new Set<string>();
  return sites.map((site) => {
    let { name } = site;
    for (let i = 1; used.has(name); i++) name = `${site.name}_${String(i)}`;
    used.add(name);
    return { ...site, name };
  });
}

function noAttention(hidden: readonly string[]): UserError {
  return new UserError(
    'no-attention',
    hidden.length > 0
      ? `The attention of ${hidden.join(', ')} is computed by operators that hide their weights and cannot be written out. Export the model without fusing attention.`
      : 'This model has no attention: no softmax between two products of computed values, no attention operator and no local activation unit. Run inspect to see what it is made of.',
  );
}
