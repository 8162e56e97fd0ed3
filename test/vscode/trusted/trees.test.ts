import assert from 'node:assert/strict';
import { basename } from 'node:path';
import type * as vscode from 'vscode';
import type { App } from '../../../src/extension/app.js';
import type { LayerEntry, ModelNode } from '../../../src/extension/trees/modelItems.js';
import { type DeadCounts, deadUnitsByHand } from '../../support/denseByHand.js';
import { activeApp, labelOf, openSample, questionAbout, runToEnd, until } from '../../support/editorHost.js';

const sample = openSample('dying-relu');

describe('the tree of models', () => {
  let app: App;
  let byHand: DeadCounts;

  before(async function () {
    this.timeout(60_000);
    app = await activeApp();
    byHand = await deadUnitsByHand(sample.folder.fsPath);
    await runToEnd(app, questionAbout(sample));
    await app.units.load(sample.model.fsPath);
    await until(() => app.units.layer(sample.model.fsPath, 'fc1') !== undefined, 'no facts of fc1');
  });

  async function layerNode(name: string): Promise<LayerEntry> {
    const layers = await app.trees.models.getChildren({ kind: 'model', uri: sample.model });
    const found = layers.find((node) => node.kind === 'layer' && node.layer.name === name);
    assert.ok(found?.kind === 'layer', `${name} is not in the tree`);
    return found;
  }

  const itemOf = (node: ModelNode): vscode.TreeItem => app.trees.models.getTreeItem(node);

  it('lists the models of the folder with their size in words', async () => {
    const models = await app.trees.models.getChildren();
    const labels = models.map((node) => labelOf(itemOf(node)));
    // Models opened from elsewhere by other tests come with them.
    for (const name of ['digits-cnn.onnx', 'dying-relu.onnx']) {
      assert.ok(labels.includes(name), labels.join());
    }
    await until(
      () => !/reading/.test(String(itemOf({ kind: 'model', uri: sample.model }).description)),
      'the structure was not read',
    );
    // 784·256 + 256 + 256·128 + 128 + 128·64 + 64 + 64·10 + 10 = 242,762 parameters in four layers with weights.
    assert.match(String(itemOf({ kind: 'model', uri: sample.model }).description), /^4 layers · 243 k/);
  });

  it('is refreshed model by model, so that a menu that is open keeps its model', async () => {
    const shown = await app.trees.models.getChildren();
    const refreshed: (readonly ModelNode[] | undefined)[] = [];
    const listening = app.trees.models.onDidChangeTreeData((nodes) => refreshed.push(nodes));
    app.models.setData(sample.model, sample.inspectFile.fsPath);
    listening.dispose();
    assert.equal(refreshed.length, 1);
    assert.ok(
      refreshed[0]?.every((node, index) => node === shown[index]),
      'the editor does not know the nodes',
    );
    assert.equal(refreshed[0]?.length, shown.length);
    // The same nodes again, as the editor tells them apart by what they are.
    assert.deepEqual(await app.trees.models.getChildren(), shown);
  });

  it('says in a badge of text how many neurons of a layer are dead', async () => {
    const item = itemOf(await layerNode('fc1'));
    const share = Number(/(\d+) % dead/.exec(String(item.description))?.[1]);
    // Rounded to whole percents, and a unit may differ by its last bit.
    assert.ok(
      Math.abs(share - (100 * byHand.fc1) / 256) < 1,
      `${String(item.description)} By hand: ${byHand.fc1}`,
    );
    assert.match(item.accessibilityInformation?.label ?? '', /dead/);
  });

  it('pages the neurons of a layer and shows more on request', async () => {
    const layer = await layerNode('fc1');
    const first = await app.trees.models.getChildren(layer);
    const shown = first.filter(({ kind }) => kind === 'unit').length;
    assert.ok(shown < 256, `${shown} neurons at once`);
    const more = first.at(-1);
    assert.ok(more?.kind === 'more' && more.count === 256 - shown);
    app.trees.models.showMore(layer);
    const all = await app.trees.models.getChildren(layer);
    assert.equal(all.filter(({ kind }) => kind === 'unit').length, 256);
    app.trees.models.setQuery(layer, { states: [], order: 'index', count: 200 });
  });

  it('filters neurons by state: as many dead ones as counted by hand', async () => {
    const layer = await layerNode('fc1');
    app.trees.models.setQuery(layer, { states: ['dead'], order: 'index', count: 1000 });
    const dead = await app.trees.models.getChildren(layer);
    assert.ok(Math.abs(dead.length - byHand.fc1) <= 1, `${dead.length}, by hand ${byHand.fc1}`);
    for (const node of dead) assert.match(String(itemOf(node).description), /^dead/);
    app.trees.models.setQuery(layer, { states: [], order: 'index', count: 200 });
  });

  it('opens the page of a neuron on a click', async () => {
    const [unit] = await app.trees.models.getChildren(await layerNode('fc2'));
    assert.ok(unit?.kind === 'unit');
    const item = itemOf(unit);
    assert.equal(item.label, 'fc2[0]');
    assert.equal(item.command?.command, 'neuronInspector.openAddress');
  });
});

describe('the trees of analyses and results', () => {
  let app: App;

  before(async function () {
    this.timeout(60_000);
    app = await activeApp();
    app.currentModel.choose(sample.model);
    await runToEnd(app, questionAbout(sample, { analysis: 'activation-sparsity' }));
  });

  it('group the analyses by the question they answer, with the last answer beside', async () => {
    const questions = await app.trees.analyses.getChildren();
    const labels = questions.map((node) => labelOf(app.trees.analyses.getTreeItem(node)));
    assert.ok(labels.includes('Is this network healthy?'), labels.join(', '));
    const analyses = (
      await Promise.all(questions.map((node) => app.trees.analyses.getChildren(node)))
    ).flat();
    const sparsity = analyses.find(
      (node) => node.kind === 'analysis' && node.analysis.id === 'activation-sparsity',
    );
    assert.ok(sparsity);
    const item = app.trees.analyses.getTreeItem(sparsity);
    assert.match(String(item.description), /\d/);
    assert.equal(item.command?.command, 'neuronInspector.run.activation-sparsity');
  });

  it('list results newest first, and forget one that is deleted until it is brought back', async () => {
    const { result } = await runToEnd(app, questionAbout(sample, { limit: 100 }));
    assert.ok(result);
    const nodes = (): string[] =>
      app.trees.results.getChildren().flatMap((node) => (node.kind === 'result' ? [node.result.id] : []));
    assert.equal(nodes()[0], result.id);
    const deleted = await app.results.delete(result.id);
    assert.ok(!nodes().includes(result.id));
    await deleted.undo();
    assert.equal(nodes()[0], result.id);
    assert.equal(basename((await app.results.load(result.id)).model.path), 'dying-relu.onnx');
  });
});
