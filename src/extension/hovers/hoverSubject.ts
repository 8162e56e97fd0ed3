import type { ResolvedAddress } from '../../onnx/addresses.js';
import type { AddressTable, ModelStructure } from '../../protocol/structure.js';
import type { InspectFileLink } from '../models/inspectFiles.js';
import { codeContextOf } from './codeContext.js';
import { type DocumentPlace, type FittingModel, type PickedModel, pickModel } from './pickModel.js';
import type { Reference } from './reference.js';
import { type Resolution, resolveReferences } from './resolveReference.js';

/** A model whose structure is known. */
export interface ReadModel {
  readonly path: string;
  readonly structure: ModelStructure;
}

/** What a hover is about. */
export type HoverSubject =
  | {
      readonly kind: 'found';
      readonly model: ReadModel;
      readonly resolution: Resolution;
      readonly picked: Extract<PickedModel, { kind: 'picked' }>;
    }
  /** Several models have it: the person says which one the document is about. */
  | { readonly kind: 'ask'; readonly resolution: Resolution; readonly paths: readonly string[] };

/** Returns what references in a document lead to, over all models that are known; undefined when no model has it. */
export function hoverSubject(
  references: readonly Reference[],
  models: readonly ReadModel[],
  place: DocumentPlace & { readonly links: readonly InspectFileLink[] },
): HoverSubject | undefined {
  const found = new Map<string, { readonly model: ReadModel; readonly resolution: Resolution }>();
  const fitting: FittingModel[] = [];
  for (const model of models) {
    const context = codeContextOf(place.links, place.path, model.path);
    const resolution = resolveReferences(references, model.structure.addresses, context);
    if (resolution === undefined) continue;
    found.set(model.path, { model, resolution });
    fitting.push({ path: model.path, isTied: context !== undefined });
  }
  const picked = pickModel(fitting, place);
  if (picked === undefined) return undefined;
  const one = found.get(picked.kind === 'picked' ? picked.path : (picked.paths[0] ?? ''));
  if (one === undefined) return undefined;
  return picked.kind === 'picked'
    ? { kind: 'found', ...one, picked }
    : { kind: 'ask', resolution: one.resolution, paths: picked.paths };
}

/** Returns the layer whose measured units are the ones of an address; undefined where units are not measured (heads). */
export function measuredLayerOf(target: ResolvedAddress, table: AddressTable): string | undefined {
  switch (target.kind) {
    case 'layer':
      return target.layer?.name;
    case 'hidden':
      // What enters the down projection, where an activation is all that makes it.
      return table.layers.find(({ kind, output }) => kind === 'activation' && output === target.value)?.name;
    case 'head':
      return undefined;
  }
}
