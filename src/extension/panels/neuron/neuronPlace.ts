import { UserError } from '../../../base/errors.js';
import { nearest } from '../../../base/nearest.js';
import {
  formatAddress,
  type ResolvedAddress,
  resolveAddress,
  withoutUnit,
  withUnit,
} from '../../../onnx/addresses.js';
import type { AddressedLayer, AddressTable, StructureDimension } from '../../../protocol/structure.js';
import type { NeuronPlace, NeuronProblem, NeuronStates } from '../../../protocol/views/neuronMessages.js';

/** A neuron: what its page shows of its place, and what the host needs to look it up. */
export interface Neuron {
  readonly place: NeuronPlace;
  /** Name of the layer, for places that know layers only; undefined where a block is none. */
  readonly layer: string | undefined;
  /** Activation layer whose unit of the same number has its state; undefined where it is not judged. */
  readonly statesLayer: string | undefined;
  /** Whether it stands where values cannot be read out. */
  readonly isInBody: boolean;
}

/** What an address turned out to be. */
export type FoundAddress =
  | { readonly kind: 'neuron'; readonly neuron: Neuron }
  | { readonly kind: 'layer'; readonly layer: string }
  | { readonly kind: 'problem'; readonly problem: NeuronProblem };

/** Links that an error page offers at most. */
const suggestionLimit = 5;

/** Returns the neuron or layer that an address means in a model, or why it means neither. */
export function findNeuron(text: string, modelName: string, table: AddressTable): FoundAddress {
  try {
    const resolved = resolveAddress(text, table);
    if (resolved.unit === undefined) {
      return { kind: 'layer', layer: resolved.layer?.name ?? resolved.name };
    }
    return { kind: 'neuron', neuron: neuronOf({ ...resolved, unit: resolved.unit }, modelName, table) };
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    const kind = error.code === 'no-units' ? 'no-units' : 'unknown';
    const suggestions = suggestionsFor(text, table);
    return {
      kind: 'problem',
      problem: { address: text, modelName, kind, message: error.message, suggestions },
    };
  }
}

type ResolvedUnit = ResolvedAddress & { readonly unit: number };

function neuronOf(resolved: ResolvedUnit, modelName: string, table: AddressTable): Neuron {
  const { layer, unit, unitCount } = resolved;
  const address = withUnit(resolved.address, unit);
  const judged = judgedAt(resolved, table);
  const place: NeuronPlace = {
    address,
    modelName,
    layer: withoutUnit(address),
    source: resolved.kind,
    layerKind: layer?.kind ?? null,
    operator: layer?.operator ?? '',
    unit,
    unitCount,
    map: mapOf(resolved, table),
    previous: unit > 0 ? withUnit(address, unit - 1) : null,
    next: unitCount === null || unit + 1 < unitCount ? withUnit(address, unit + 1) : null,
    states: judged.states,
    leftOutPosition: resolved.position === undefined ? null : `@${resolved.position.join(',')}`,
  };
  return { place, layer: layer?.name, statesLayer: judged.layer, isInBody: resolved.isInBody };
}

/** Sizes of the position axes; attention probabilities have one position a pair of tokens. */
function mapOf({ kind, layer, name, positionAxes }: ResolvedUnit, table: AddressTable): NeuronPlace['map'] {
  if (kind === 'head') return ['queries', 'keys'];
  if (positionAxes === null) return null;
  const shape = kind === 'hidden' ? shapeOfHidden(name, table) : layer?.shape;
  return positionAxes.map((axis): StructureDimension => shape?.[axis] ?? null);
}

/** What enters the down projection has the positions of what leaves it. */
function shapeOfHidden(name: string, table: AddressTable): AddressedLayer['shape'] {
  const mlp = table.mlps.find((candidate) => candidate.name === name);
  return mlp === undefined ? null : (table.byName.get(mlp.downProjection)?.shape ?? null);
}

function judgedAt(
  resolved: ResolvedUnit,
  table: AddressTable,
): { states: NeuronStates; layer: string | undefined } {
  const { unit, unitCount } = resolved;
  const layer = judgedLayer(resolved, table);
  if (layer === undefined) {
    const reason =
      resolved.kind === 'head'
        ? 'attention probabilities have no states'
        : 'it is no output of an activation, but a product of one with a gate';
    return { states: { kind: 'not-judged', reason, next: null }, layer: undefined };
  }
  const { states } = layer;
  const unitOf = (name: string): string => formatAddress({ layer: name, unit });
  if (states.kind === 'activation') {
    return { states: { kind: 'activation', address: unitOf(states.layer) }, layer: states.layer };
  }
  const next = states.next === null ? undefined : table.byName.get(states.next);
  const isSameUnit = next !== undefined && unitCount !== null && next.unitCount === unitCount;
  return {
    states: { kind: 'not-judged', reason: states.reason, next: isSameUnit ? unitOf(next.name) : null },
    layer: undefined,
  };
}

/** The layer that says where states come from: for an MLP's hidden units, the one whose output they are. */
function judgedLayer({ kind, layer, value }: ResolvedUnit, table: AddressTable): AddressedLayer | undefined {
  switch (kind) {
    case 'layer':
      return layer;
    case 'head':
      return undefined;
    case 'hidden':
      return table.layers.find((candidate) => candidate.output === value && candidate.kind === 'activation');
  }
}

/** Layers named like it, or standing inside it, with a unit that exists. */
function suggestionsFor(text: string, table: AddressTable): string[] {
  const unit = Number(/\[(\d+)\]/u.exec(text)?.[1] ?? 0);
  const name = text
    .trim()
    .replace(/(?:\[[^\]]*\])?(?:@.*)?$/su, '')
    .replace(/^"(.*)"$/su, '$1');
  const known = table.byName.get(name);
  if (known !== undefined && known.unitCount !== null) return [lastFitting(known, unit)];
  const inside = table.layers.filter((layer) => layer.name.startsWith(`${name}.`));
  const names =
    inside.length > 0 ? inside : named(nearest(name, [...table.byName.keys()], suggestionLimit), table);
  return names
    .filter((layer) => layer.unitCount !== null && layer.unitCount > 0)
    .slice(0, suggestionLimit)
    .map((layer) => lastFitting(layer, unit));
}

function named(names: readonly string[], table: AddressTable): AddressedLayer[] {
  return names.flatMap((name) => table.byName.get(name) ?? []);
}

function lastFitting(layer: AddressedLayer, unit: number): string {
  return formatAddress({ layer: layer.name, unit: Math.min(unit, (layer.unitCount ?? 1) - 1) });
}
