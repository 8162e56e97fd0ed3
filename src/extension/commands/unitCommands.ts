import * as vscode from 'vscode';
import type { App } from '../app.js';
import type { LayerEntry, MessageEntry } from '../trees/modelItems.js';
import { type UnitOrder, unitPageSize } from '../trees/unitList.js';

type Layer = Pick<LayerEntry, 'uri' | 'layer'>;

/** Lets the person choose which neurons of a layer the tree lists, by state. */
export async function filterUnits(app: App, entry: Layer): Promise<void> {
  const facts = app.units.layer(entry.uri.fsPath, entry.layer.name);
  if (facts === undefined) {
    await offerToMeasure(entry);
    return;
  }
  const query = app.trees.models.queryOf(entry);
  const items = Object.entries(facts.stateCounts)
    .filter(([, count]) => count > 0)
    .map(([state, count]) => ({
      label: state,
      description: count.toLocaleString('en-US'),
      picked: query.states.includes(state),
    }));
  const chosen = await vscode.window.showQuickPick(items, {
    canPickMany: true,
    title: vscode.l10n.t('Neurons of {0} to list', entry.layer.name),
    placeHolder: vscode.l10n.t('States; none lists all'),
  });
  if (chosen === undefined) return;
  const states = chosen.map(({ label }) => label);
  app.trees.models.setQuery(entry, { ...query, states, count: unitPageSize });
}

/** Lets the person choose the order of a layer's neurons. */
export async function sortUnits(app: App, entry: Layer): Promise<void> {
  const query = app.trees.models.queryOf(entry);
  const orders: readonly { readonly label: string; readonly order: UnitOrder }[] = [
    { label: vscode.l10n.t('By number'), order: 'index' },
    { label: vscode.l10n.t('Most active first'), order: 'most-active' },
    { label: vscode.l10n.t('Least active first'), order: 'least-active' },
  ];
  const items = orders.map((item) => ({
    ...item,
    description: item.order === query.order ? vscode.l10n.t('now') : '',
  }));
  const title = vscode.l10n.t('Order of the neurons of {0}', entry.layer.name);
  const chosen = await vscode.window.showQuickPick(items, { title });
  if (chosen === undefined) return;
  if (chosen.order !== 'index' && app.units.layer(entry.uri.fsPath, entry.layer.name) === undefined) {
    await offerToMeasure(entry);
    return;
  }
  app.trees.models.setQuery(entry, { ...query, order: chosen.order });
}

/** Lists the next neurons of a layer. */
export function showMoreUnits(app: App, entry: Layer | MessageEntry): void {
  if ('layer' in entry) app.trees.models.showMore(entry);
}

async function offerToMeasure({ uri, layer }: Layer): Promise<void> {
  const measure = vscode.l10n.t('Measure Now');
  const answer = await vscode.window.showInformationMessage(
    vscode.l10n.t(
      'The neurons of {0} have not been measured yet, so their states are not known.',
      layer.name,
    ),
    measure,
  );
  if (answer === measure) await vscode.commands.executeCommand('neuronInspector.measureNow', uri);
}
