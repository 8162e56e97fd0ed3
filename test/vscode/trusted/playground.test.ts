import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import * as vscode from 'vscode';
import type { App } from '../../../src/extension/app.js';
import { askWhy } from '../../../src/extension/panels/playground/askWhy.js';
import { Continuation } from '../../../src/extension/panels/playground/continuation.js';
import type { ReadToken } from '../../../src/protocol/generatedText.js';
import type { Report } from '../../../src/protocol/report.js';
import type { PlaygroundShow } from '../../../src/protocol/views/playgroundMessages.js';
import { activeApp, activeViewType, until } from '../../support/editorHost.js';

describe('the playground of a language model', function () {
  this.timeout(60_000);
  let app: App;
  let model: vscode.Uri;

  before(async () => {
    app = await activeApp();
    model = vscode.Uri.joinPath(app.extensionUri, 'sample-models', 'story-lm', 'story-lm.onnx');
  });

  afterEach(() => vscode.commands.executeCommand('workbench.action.closeAllEditors'));

  /** What a page would have heard of a continuation. */
  async function heard(
    tokenCount: number,
  ): Promise<{ readonly shows: PlaygroundShow[]; readonly ids: number[] }> {
    const shows: PlaygroundShow[] = [];
    const greedy = { temperature: 0, topK: null, topP: 1, seed: 0 };
    await new Continuation(
      { id: 1, prompt: 'Once upon a time', ids: null, tokenCount, ...greedy },
      {
        engine: app.engine,
        place: { modelPath: model.fsPath, provider: 'cpu' },
        show: (show) => void shows.push(show),
      },
    ).run();
    const pieces = shows.flatMap((show) => (show.kind === 'tokens' ? [show] : []));
    const written: ReadToken[] = [];
    for (const { firstIndex, piece } of pieces) {
      assert.equal(firstIndex, written.length);
      written.push(...piece.written);
    }
    return { shows, ids: written.map(({ id }) => id) };
  }

  it('writes greedily what the command line writes, and leads from a token to its report', async () => {
    const { shows, ids } = await heard(24);
    const last = shows.at(-1);
    assert.ok(last?.kind === 'state' && last.state.kind === 'done', JSON.stringify(last));
    const cli = vscode.Uri.joinPath(app.extensionUri, 'dist', 'cli.js').fsPath;
    const settings = ['prompt=Once upon a time', 'tokens=24'].flatMap((one) => ['--set', one]);
    const asked = ['run', 'generate', model.fsPath, ...settings, '--provider', 'cpu', '--json'];
    const env = { ...process.env, ELECTRON_RUN_AS_NODE: '1' };
    const { stdout } = await promisify(execFile)(process.execPath, [cli, ...asked], { env, maxBuffer: 1e8 });
    const report = JSON.parse(stdout) as Report;
    const table = report.blocks.find(({ title }) => title === 'What was written, and what might have been');
    const rows = (table as unknown as { readonly rows: readonly { readonly id: number }[] }).rows;
    assert.deepEqual(
      ids,
      rows.map(({ id }) => id),
    );
    const [token = 0] = ids.slice(4);
    const why = { kind: 'why', before: [1, ...ids.slice(0, 4)], token, layer: null } as const;
    const run = await askWhy(app, { modelPath: model.fsPath }, why);
    assert.equal(run.request.settings['target'], String(token));
    run.cancel();
    await run.ended;
  });

  it('opens from the palette for a model, and once', async () => {
    const count = (): number => vscode.window.tabGroups.all.flatMap(({ tabs }) => tabs).length;
    await vscode.commands.executeCommand('neuronInspector.openPlayground', model);
    await until(() => activeViewType() === 'neuronInspector.playground', 'no playground opened');
    const before = count();
    await vscode.commands.executeCommand('neuronInspector.openPlayground', model);
    assert.equal(count(), before);
  });
});
