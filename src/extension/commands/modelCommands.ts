import * as vscode from 'vscode';
import { UserError } from '../../base/errors.js';
import { resolveAddress } from '../../onnx/addresses.js';
import type { AddressTable } from '../../protocol/structure.js';
import type { App } from '../app.js';
import { type LayerEntry, type ModelNode, unitAddress, type UnitEntry } from '../trees/modelItems.js';
import { browseForModel } from '../run/chooseModel.js';
import { modelOf } from './modelOf.js';

/** Opens a model's editor. */
export async function inspectModel(app: App, target?: unknown): Promise<void> {
  const model = await modelOf(app, target);
  if (model === undefined) return;
  await app.navigation.openModel(model);
}

/** Adds a model from anywhere on disk to the list, and opens it. */
export async function addModel(app: App): Promise<void> {
  const model = await browseForModel();
  if (model === undefined) return;
  app.models.open(model);
  await app.navigation.openModel(model);
}

/** Searches the workspace for models again. */
export async function refreshModels(app: App): Promise<void> {
  await app.models.refresh();
}

/** Copies the address of a layer or neuron of the tree. */
export async function copyAddress(_app: App, node: LayerEntry | UnitEntry): Promise<void> {
  await vscode.env.clipboard.writeText(addressOf(node));
}

/** Shows a layer of the tree in the model's editor. */
export async function showLayer(app: App, node: LayerEntry | UnitEntry): Promise<void> {
  await app.navigation.openModel(node.uri, { layer: node.layer.name });
}

/** Opens what an address leads to. */
export async function openAddress(app: App, model: vscode.Uri, address: string): Promise<void> {
  // Links pass plain data, which has lost its class.
  await app.navigation.openAddress(vscode.Uri.from(model), address);
}

/** Opens the page of a neuron that the person names; a line of the tree gives the beginning of its address. */
export async function openNeuron(app: App, node?: ModelNode | vscode.Uri): Promise<void> {
  if (node !== undefined && 'kind' in node && node.kind === 'unit') {
    await app.navigation.openAddress(node.uri, addressOf(node));
    return;
  }
  const model = await modelOf(app, node);
  if (model === undefined) return;
  const { addresses } = await app.models.structureOf(model);
  const first = node !== undefined && 'kind' in node && node.kind === 'layer' ? node.layer.name : undefined;
  const value = first === undefined ? firstAddress(addresses) : unitAddress(first, 0);
  const address = await vscode.window.showInputBox({
    title: vscode.l10n.t('Open Neuron'),
    prompt: vscode.l10n.t('Address of a neuron: layer[unit], for example {0}', value),
    value,
    validateInput: (text) => problemWith(text, addresses),
  });
  if (address !== undefined) await app.navigation.openAddress(model, address.trim());
}

function addressOf(node: LayerEntry | UnitEntry): string {
  return node.kind === 'unit' ? unitAddress(node.layer.name, node.unit) : node.layer.name;
}

function firstAddress({ layers }: AddressTable): string {
  const layer = layers.find(({ unitCount, kind }) => unitCount !== null && kind !== 'scope');
  return layer === undefined ? 'fc1[0]' : unitAddress(layer.name, 0);
}

function problemWith(text: string, addresses: AddressTable): string | undefined {
  try {
    resolveAddress(text, addresses);
    return undefined;
  } catch (error) {
    if (error instanceof UserError) return error.message;
    throw error;
  }
}
