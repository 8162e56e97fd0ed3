import { basename, dirname } from 'node:path';
import * as vscode from 'vscode';
import { layerWord } from '../../protocol/layerWords.js';
import type { ModelStructure } from '../../protocol/structure.js';
import { formatAddress } from '../../onnx/addressGrammar.js';
import { placesInCode } from '../../runs/code/findingPlaces.js';
import { type CodeClass, readPythonClasses } from '../../runs/code/pythonClasses.js';
import type { App } from '../app.js';
import { configurationSection } from '../configuration.js';
import { idPrefix } from '../manifest/contribution.js';
import type { InspectFileLink } from '../models/inspectFiles.js';
import { shortCount } from '../trees/modelItems.js';
import { type LayerFigures, layerFigures } from './layerFigures.js';

/** A model whose code a document is. */
interface TiedModel {
  readonly path: string;
  readonly structure: ModelStructure;
}

/**
 * Returns what is known of the classes and layers of training code that an inspect file ties to a model; none for other code, or
 * where the setting switches them off.
 */
export async function layerLenses(app: App, document: vscode.TextDocument): Promise<vscode.CodeLens[]> {
  const settings = vscode.workspace.getConfiguration(configurationSection, document.uri);
  if (!settings.get<boolean>('codeLens.layers', true)) return [];
  await app.models.searched;
  const path = document.uri.fsPath;
  const link = app.models.inspectFiles.find(({ codePath, code }) => codePath === path && code !== undefined);
  if (link?.modelPath === undefined) return [];
  const structure = await app.models.structureOf(vscode.Uri.file(link.modelPath));
  await app.units.load(link.modelPath);
  const model = { path: link.modelPath, structure };
  const byLine = await layersByLine(document, link, model);
  const figuresOf = (names: readonly string[]): LayerFigures =>
    layerFigures(
      structure.inspection.layers.filter(({ name }) => names.includes(name)),
      (layer) => app.units.layer(model.path, layer),
    );
  const ofLayers = [...byLine].map(([line, names]) => layerLens(line, figuresOf(names), model));
  const ofClasses = readPythonClasses(document.getText()).flatMap((one) => {
    const names = namesIn(one, byLine);
    return names.length === 0 ? [] : [classLens(one, figuresOf(names), model)];
  });
  return [...ofClasses, ...ofLayers];
}

/** Layers with weights by the line that makes them. */
async function layersByLine(
  document: vscode.TextDocument,
  link: InspectFileLink,
  { structure }: TiedModel,
): Promise<Map<number, string[]>> {
  const path = document.uri.fsPath;
  const weighted = structure.inspection.layers.filter(
    ({ kind, parameterCount }) => parameterCount > 0 && kind !== 'scope',
  );
  const addresses = new Map(weighted.map(({ name }) => [formatAddress({ layer: name }), name]));
  const code = link.code;
  if (code === undefined) return new Map();
  const places = await placesInCode([...addresses.keys()], { code, dir: dirname(link.path) }, (file) =>
    Promise.resolve(file === path ? document.getText() : undefined),
  );
  const byLine = new Map<number, string[]>();
  for (const [address, place] of places) {
    const name = addresses.get(address);
    if (place.path !== path || name === undefined) continue;
    byLine.set(place.line, [...(byLine.get(place.line) ?? []), name]);
  }
  return byLine;
}

function namesIn({ members }: CodeClass, byLine: ReadonlyMap<number, readonly string[]>): string[] {
  return members.flatMap(({ line }) => byLine.get(line) ?? []);
}

function classLens({ line }: CodeClass, figures: LayerFigures, model: TiedModel): vscode.CodeLens {
  const name = basename(model.path).replace(/\.onnx$/i, '');
  const isMeasured = figures.measured !== undefined;
  return lensAt(line, {
    title: [name, countWords(figures.layers.length), ...figureWords(figures)].join(' · '),
    tooltip: isMeasured
      ? vscode.l10n.t('Opens {0}', basename(model.path))
      : vscode.l10n.t('Measures how the neurons of {0} behave on its data', basename(model.path)),
    command: `${idPrefix}${isMeasured ? 'inspectModel' : 'measureNow'}`,
    arguments: [vscode.Uri.file(model.path)],
  });
}

function layerLens(line: number, figures: LayerFigures, model: TiedModel): vscode.CodeLens {
  const [first] = figures.layers;
  const { length } = figures.layers;
  const unitCount = first?.unitCount ?? undefined;
  const units = unitCount === undefined ? '' : ` ${unitCount.toLocaleString('en-US')}`;
  const what = first === undefined || length > 1 ? countWords(length) : `${layerWord(first)}${units}`;
  return lensAt(line, {
    title: [what, ...figureWords(figures)].join(' · '),
    tooltip: vscode.l10n.t('Opens {0} in {1}', first?.name ?? '', basename(model.path)),
    command: `${idPrefix}openAddress`,
    arguments: [vscode.Uri.file(model.path), formatAddress({ layer: first?.name ?? '' })],
  });
}

function figureWords({ parameterCount, measured }: LayerFigures): string[] {
  const percent = (share: number): string =>
    share > 0 && share < 0.005 ? '< 1 %' : `${String(Math.round(100 * share))} %`;
  const words = [vscode.l10n.t('{0} parameters', shortCount(parameterCount))];
  if (measured === undefined) return words;
  words.push(vscode.l10n.t('{0} dead', percent(measured.deadShare)));
  if (measured.sparsity !== undefined) words.push(vscode.l10n.t('{0} sparse', percent(measured.sparsity)));
  if (measured.isStale) words.push(vscode.l10n.t('stale'));
  return words;
}

function countWords(count: number): string {
  return count === 1 ? vscode.l10n.t('1 layer') : vscode.l10n.t('{0} layers', count.toLocaleString('en-US'));
}

function lensAt(line: number, command: vscode.Command): vscode.CodeLens {
  return new vscode.CodeLens(new vscode.Range(line, 0, line, 0), command);
}
