import * as vscode from 'vscode';
import { sparklineOf } from '../../base/sparkline.js';
import { formatNumber } from '../../protocol/formatReport.js';
import type { App } from '../app.js';
import { idPrefix } from '../manifest/contribution.js';
import { isLanguageModel } from '../models/languageModels.js';
import { describeMeasurement, layerBadge } from '../units/layerBadge.js';
import type { LayerFacts, UnitFacts } from '../units/unitIndex.js';
import {
  describeLayer,
  describeModel,
  type LayerEntry,
  layersInside,
  type MessageEntry,
  type ModelEntry,
  type ModelNode,
  type MoreEntry,
  unitAddress,
  type UnitEntry,
} from './modelItems.js';
import { pageUnits, plainQuery, unitPageSize, type UnitQuery } from './unitList.js';

/** Models → layers → units, with what the newest results say of them. */
export class ModelsTree implements vscode.TreeDataProvider<ModelNode> {
  private readonly app: Pick<App, 'models' | 'units' | 'log'>;
  private readonly changed = new vscode.EventEmitter<ModelNode[] | undefined>();
  private readonly queries = new Map<string, UnitQuery>();
  /** The models as the editor has them; undefined until they are looked at. */
  private shown: readonly ModelEntry[] | undefined;

  readonly onDidChangeTreeData = this.changed.event;

  constructor(app: Pick<App, 'models' | 'units' | 'log'>, subscriptions: { dispose(): unknown }[]) {
    this.app = app;
    const refresh = (): void => {
      this.refresh();
    };
    subscriptions.push(app.models.onDidChange(refresh), app.units.onDidChange(refresh));
  }

  async getChildren(node?: ModelNode): Promise<ModelNode[]> {
    if (node === undefined) {
      await this.app.models.searched;
      this.shown = this.app.models.models.map(({ uri }) => this.entryOf(uri));
      return [...this.shown];
    }
    switch (node.kind) {
      case 'model':
        return this.layersOf(node);
      case 'layer':
        return this.insideOf(node);
      default:
        return [];
    }
  }

  getTreeItem(node: ModelNode): vscode.TreeItem {
    switch (node.kind) {
      case 'model':
        return this.modelItem(node);
      case 'layer':
        return this.layerItem(node);
      case 'unit':
        return this.unitItem(node);
      case 'more':
        return moreItem(node);
      case 'message':
        return messageItem(node);
    }
  }

  /** Returns what a person asked of a layer's list. */
  queryOf({ uri, layer }: Pick<LayerEntry, 'uri' | 'layer'>): UnitQuery {
    return this.queries.get(keyOf(uri, layer.name)) ?? plainQuery;
  }

  /** Lists a layer's units otherwise. */
  setQuery(entry: Pick<LayerEntry, 'uri' | 'layer'>, query: UnitQuery): void {
    this.queries.set(keyOf(entry.uri, entry.layer.name), query);
    // Nodes are made anew each time, so the editor can only be told that everything changed.
    this.changed.fire(undefined);
  }

  /** Shows the next page of a layer's units. */
  showMore(entry: Pick<LayerEntry, 'uri' | 'layer'>): void {
    const query = this.queryOf(entry);
    this.setQuery(entry, { ...query, count: query.count + unitPageSize });
  }

  private entryOf(uri: vscode.Uri): ModelEntry {
    return this.shown?.find((entry) => entry.uri.fsPath === uri.fsPath) ?? { kind: 'model', uri };
  }

  /**
   * While the models are the same, each is refreshed by itself: when everything is, the editor forgets its nodes until it has new
   * ones, and a command that is chosen in the menu of one meanwhile is not told which.
   */
  private refresh(): void {
    const { shown } = this;
    if (shown === undefined) {
      this.changed.fire(undefined);
      return;
    }
    const { models } = this.app.models;
    const isSame =
      models.length === shown.length &&
      models.every(({ uri }, index) => shown[index]?.uri.fsPath === uri.fsPath);
    this.changed.fire(isSame ? [...shown] : undefined);
  }

  private async layersOf({ uri }: ModelEntry): Promise<ModelNode[]> {
    const { structure: known } = this.app.models.open(uri);
    if (known instanceof Error) return [message(known.message, true)];
    try {
      const structure = await this.app.models.structureOf(uri);
      void this.app.units.load(uri.fsPath);
      const layers = layersInside(uri, structure, null);
      if (layers.length > 0) return layers;
      return [message(vscode.l10n.t('This model has no layer with weights or activations.'))];
    } catch (error) {
      return [message(error instanceof Error ? error.message : String(error), true)];
    }
  }

  private async insideOf(entry: LayerEntry): Promise<ModelNode[]> {
    const { uri, layer } = entry;
    const structure = await this.app.models.structureOf(uri);
    if (layer.kind === 'scope' || layer.kind === 'block') return layersInside(uri, structure, layer.name);
    const { unitCount } = layer;
    if (unitCount === null) return [];
    const facts = this.factsOf(entry);
    const page = pageUnits(unitCount, this.queryOf(entry), (unit) => {
      const known = facts?.unit(unit);
      return known && { state: known.state, activeShare: shareOf(known) };
    });
    const units = page.units.map((unit): UnitEntry => ({ kind: 'unit', uri, layer, unit }));
    if (page.moreCount > 0) return [...units, { kind: 'more', uri, layer, count: page.moreCount }];
    if (units.length === 0) {
      const command = {
        command: `${idPrefix}filterUnits`,
        title: vscode.l10n.t('Filter'),
        arguments: [entry],
      };
      return [message(vscode.l10n.t('No neuron matches the filter. Change it…'), false, command)];
    }
    return units;
  }

  private factsOf({ uri, layer }: Pick<LayerEntry, 'uri' | 'layer'>): LayerFacts | undefined {
    return this.app.units.layer(uri.fsPath, layer.name);
  }

  private modelItem({ uri }: ModelEntry): vscode.TreeItem {
    const model = this.app.models.open(uri);
    const item = new vscode.TreeItem(model.name, vscode.TreeItemCollapsibleState.Collapsed);
    item.id = uri.fsPath;
    item.resourceUri = uri;
    item.iconPath = new vscode.ThemeIcon(model.structure instanceof Error ? 'error' : 'symbol-structure');
    item.description = describeModel(model);
    item.contextValue = isLanguageModel(model) ? 'model language' : 'model';
    item.tooltip = model.structure instanceof Error ? model.structure.message : uri.fsPath;
    item.accessibilityInformation = { label: `${model.name}, ${item.description}` };
    return item;
  }

  private layerItem(entry: LayerEntry): vscode.TreeItem {
    const { uri, layer } = entry;
    const { structure } = this.app.models.find(uri) ?? {};
    const isScope = layer.kind === 'scope' || layer.kind === 'block';
    const hasUnits = !isScope && layer.unitCount !== null && layer.unitCount > 0;
    const item = new vscode.TreeItem(
      layer.name,
      isScope || hasUnits ? vscode.TreeItemCollapsibleState.Collapsed : vscode.TreeItemCollapsibleState.None,
    );
    item.id = keyOf(uri, layer.name);
    item.contextValue = hasUnits ? 'layer units' : 'layer';
    item.iconPath = new vscode.ThemeIcon(isScope ? 'symbol-namespace' : 'layers');
    const words =
      structure === undefined || structure instanceof Error ? '' : describeLayer(entry, structure.addresses);
    const badge = hasUnits ? badgeOf(this.factsOf(entry)) : undefined;
    const filtered = this.queryOf(entry).states.join(', ');
    const filter = filtered === '' ? undefined : vscode.l10n.t('filter: {0}', filtered);
    // A narrow side bar cuts the end: what was found is worth more than what the layer's name often says already.
    item.description = [badge, words, filter].filter((text) => text !== undefined && text !== '').join('   ');
    item.tooltip = this.layerTooltip(entry, words);
    item.accessibilityInformation = { label: `${layer.name}, ${item.description}` };
    return item;
  }

  private layerTooltip(entry: LayerEntry, words: string): string {
    const { layer } = entry;
    const shape = layer.shape === null ? '' : ` · ${layer.shape.map((size) => size ?? '?').join(' × ')}`;
    const parameters = vscode.l10n.t('{0} parameters', layer.parameterCount.toLocaleString('en-US'));
    const facts = this.factsOf(entry);
    const when = facts === undefined ? '' : `\n${describeMeasurement(facts)}`;
    return `${layer.name} · ${words}${shape} · ${parameters}${when}`;
  }

  private unitItem({ uri, layer, unit }: UnitEntry): vscode.TreeItem {
    const address = unitAddress(layer.name, unit);
    const item = new vscode.TreeItem(address);
    item.id = `${uri.fsPath}#${address}`;
    item.contextValue = 'unit';
    item.iconPath = new vscode.ThemeIcon('circle-small');
    const facts = this.factsOf({ uri, layer })?.unit(unit);
    item.description = facts === undefined ? '' : describeUnit(facts);
    item.tooltip = facts === undefined ? address : unitTooltip(address, facts);
    item.accessibilityInformation = {
      label: facts === undefined ? address : `${address}, ${describeState(facts)}`,
    };
    item.command = {
      command: `${idPrefix}openAddress`,
      title: vscode.l10n.t('Open Neuron'),
      arguments: [uri, address],
    };
    return item;
  }
}

function keyOf(uri: vscode.Uri, layer: string): string {
  return `${uri.fsPath}#${layer}`;
}

function shareOf({ activeSampleCount, sampleCount }: UnitFacts): number {
  return sampleCount === 0 ? NaN : activeSampleCount / sampleCount;
}

function badgeOf(facts: LayerFacts | undefined): string | undefined {
  const badge = layerBadge(facts);
  return badge?.isNotable === true ? `● ${badge.text}` : badge?.text;
}

function describeState(facts: UnitFacts): string {
  if (facts.state !== 'active' && facts.state !== 'not-judged') return facts.state;
  const percent = Math.round(100 * shareOf(facts));
  return vscode.l10n.t(
    'active {0} %',
    percent === 0 && facts.activeSampleCount > 0 ? '< 1' : String(percent),
  );
}

function describeUnit(facts: UnitFacts): string {
  const line = facts.histogram === undefined || facts.state === 'dead' ? '' : sparklineOf(facts.histogram, 8);
  return line === '' ? describeState(facts) : `${describeState(facts)}  ${line}`;
}

function unitTooltip(address: string, facts: UnitFacts): string {
  const samples = facts.sampleCount.toLocaleString('en-US');
  const active = facts.activeSampleCount.toLocaleString('en-US');
  return [
    `${address} · ${describeUnit(facts)}`,
    vscode.l10n.t('Active on {0} of {1} samples, at most {2}', active, samples, formatNumber(facts.maximum)),
  ].join('\n');
}

function moreItem({ uri, layer, count }: MoreEntry): vscode.TreeItem {
  const item = new vscode.TreeItem(vscode.l10n.t('… {0} more', count.toLocaleString('en-US')));
  item.id = `${keyOf(uri, layer.name)}#more`;
  item.contextValue = 'more';
  item.tooltip = vscode.l10n.t('Show more, or filter the list of {0}', layer.name);
  item.command = {
    command: `${idPrefix}showMoreUnits`,
    title: vscode.l10n.t('Show more'),
    arguments: [{ uri, layer }],
  };
  return item;
}

function message(text: string, isError = false, command?: vscode.Command): MessageEntry {
  return { kind: 'message', text, isError, ...(command === undefined ? {} : { command }) };
}

function messageItem({ text, isError, command }: MessageEntry): vscode.TreeItem {
  const item = new vscode.TreeItem(text);
  item.tooltip = text;
  item.iconPath = new vscode.ThemeIcon(isError ? 'error' : 'info');
  if (command !== undefined) item.command = command;
  return item;
}
