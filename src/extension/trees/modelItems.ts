import * as vscode from 'vscode';
import type { InspectedLayer } from '../../protocol/inspection.js';
import { notableBlocks } from '../../protocol/blockWords.js';
import { layerWord } from '../../protocol/layerWords.js';
import type { AddressTable, ModelStructure } from '../../protocol/structure.js';
import { formatAddress } from '../../onnx/addressGrammar.js';
import type { KnownModel } from '../models/modelStore.js';

/** What the tree of models holds. */
export type ModelNode = ModelEntry | LayerEntry | UnitEntry | MoreEntry | MessageEntry;

/** A model file. */
export interface ModelEntry {
  readonly kind: 'model';
  readonly uri: vscode.Uri;
}

/** A layer that has units, or a scope around layers. */
export interface LayerEntry {
  readonly kind: 'layer';
  readonly uri: vscode.Uri;
  readonly layer: InspectedLayer;
  /** The activation that judges its units, when that is another layer. */
  readonly activation: string | undefined;
}

/** One neuron. */
export interface UnitEntry {
  readonly kind: 'unit';
  readonly uri: vscode.Uri;
  readonly layer: InspectedLayer;
  readonly unit: number;
}

/** The units that are not shown yet. */
export interface MoreEntry {
  readonly kind: 'more';
  readonly uri: vscode.Uri;
  readonly layer: InspectedLayer;
  readonly count: number;
}

/** Something to read in a list's place. */
export interface MessageEntry {
  readonly kind: 'message';
  readonly text: string;
  readonly command?: vscode.Command;
  readonly isError: boolean;
}

/** Returns the layers directly inside a scope (null: the root) that the tree lists. */
export function layersInside(
  uri: vscode.Uri,
  structure: ModelStructure,
  parent: string | null,
): LayerEntry[] {
  const { layers } = structure.inspection;
  const hidden = activationsOfOthers(structure.addresses);
  return layers
    .filter((layer) => layer.parent === parent && layer.name !== parent && !hidden.has(layer.name))
    .map((layer) => ({
      kind: 'layer',
      uri,
      layer,
      activation: activationOf(layer.name, structure.addresses),
    }));
}

/** Returns the activation that judges a layer's units, when that is another layer. */
export function activationOf(layer: string, addresses: AddressTable): string | undefined {
  const states = addresses.byName.get(layer)?.states;
  return states?.kind === 'activation' && states.layer !== layer ? states.layer : undefined;
}

/** Activations that stand on the line of the layer they follow: `fc1  Dense 256 → ReLU`. */
function activationsOfOthers({ layers }: AddressTable): ReadonlySet<string> {
  const names = new Set<string>();
  for (const { name, kind, states } of layers) {
    const isJudgedElsewhere = states.kind === 'activation' && states.layer !== name;
    if (isJudgedElsewhere && kind !== 'scope') names.add(states.layer);
  }
  return names;
}

/** Returns a layer in words: `Dense 256 → ReLU`, `scope · residual`. */
export function describeLayer({ layer, activation }: LayerEntry, addresses: AddressTable): string {
  const what = layerWord(layer);
  const units = layer.unitCount === null ? '' : ` ${layer.unitCount.toLocaleString('en-US')}`;
  const follows = activation === undefined ? undefined : addresses.byName.get(activation);
  const line = `${what}${units}${follows === undefined ? '' : ` → ${layerWord(follows)}`}`;
  return [line, ...notableBlocks(layer.blocks)].join(' · ');
}

/** Returns the address of a unit of a layer. */
export function unitAddress(layer: string, unit: number): string {
  return formatAddress({ layer, unit });
}

/** Returns a model in words: `4 layers · 52 k`. */
export function describeModel({ structure }: KnownModel): string {
  if (structure === undefined) return vscode.l10n.t('reading…');
  if (structure instanceof Error) return vscode.l10n.t('cannot be read');
  const { layers, parameterCount } = structure.inspection;
  const weighted = layers.filter((layer) => layer.parameterCount > 0 && layer.kind !== 'scope').length;
  const counted =
    weighted === 1 ? vscode.l10n.t('1 layer') : vscode.l10n.t('{0} layers', weighted.toLocaleString('en-US'));
  return `${counted} · ${shortCount(parameterCount)}`;
}

/** Returns a count as a badge shows it: `52 k`, `1.3 M`. */
export function shortCount(count: number): string {
  const steps: readonly (readonly [number, string])[] = [
    [1e12, ' T'],
    [1e9, ' G'],
    [1e6, ' M'],
    [1e3, ' k'],
  ];
  // 999,500 would read "1000 k" after rounding.
  const step = steps.find(([size]) => count >= size * 0.9995);
  if (step === undefined) return String(count);
  const scaled = count / step[0];
  return `${scaled >= 99.95 ? scaled.toFixed(0) : String(Number(scaled.toPrecision(2)))}${step[1]}`;
}
