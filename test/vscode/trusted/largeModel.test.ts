import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import * as vscode from 'vscode';
import { writeLargeModel } from '../../../bench/largeModel.js';
import { activeApp, activeViewType, useMessages } from '../../support/editorHost.js';

describe('a model of 10,000 nodes and more than 400 MB', function () {
  this.timeout(60_000);
  const said = useMessages();
  let folder = '';
  let model: vscode.Uri;

  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'neuron-inspector-large-'));
    const path = join(folder, 'large.onnx');
    writeLargeModel({ path, width: 208, layerCount: 2500 });
    model = vscode.Uri.file(path);
    assert.ok(statSync(path).size > 400e6);
  });

  after(() => {
    rmSync(folder, { recursive: true, force: true });
  });

  it('is listed with its layers without reading its weights into the extension host', async () => {
    const app = await activeApp();
    const before = process.memoryUsage().rss;
    const start = performance.now();
    const scopes = await app.trees.models.getChildren({ kind: 'model', uri: model });
    const tookMs = performance.now() - start;
    const grownMegabytes = (process.memoryUsage().rss - before) / 1e6;
    const { inspection } = await app.models.structureOf(model);
    assert.equal(inspection.nodeCount, 10_000);
    // One scope, `layers`, with 2,500 blocks in it.
    const blocks = (await Promise.all(scopes.map((scope) => app.trees.models.getChildren(scope)))).flat();
    assert.equal(blocks.length, 2500);
    assert.ok(tookMs < 8000, `${tookMs.toFixed(0)} ms`);
    assert.ok(grownMegabytes < 200, `${grownMegabytes.toFixed(0)} MB`);
  });

  it('opens in its editor', async () => {
    await activeApp();
    await vscode.commands.executeCommand('neuronInspector.inspectModel', model);
    assert.equal(activeViewType(), 'neuronInspector.model');
    assert.deepEqual(said().texts, []);
  });
});
