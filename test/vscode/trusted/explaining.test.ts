import assert from 'node:assert/strict';
import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as vscode from 'vscode';
import { encodePng } from '../../../src/base/png.js';
import type { AudioBlock, TokensBlock } from '../../../src/protocol/blocks.js';
import { relevantSpans } from '../../../src/protocol/soundShape.js';
import type { App } from '../../../src/extension/app.js';
import type { EndState, LiveRun } from '../../../src/extension/run/liveRun.js';
import { askFollowUp } from '../../../src/extension/panels/report/askFollowUp.js';
import { followUpSettings } from '../../../src/protocol/partNames.js';
import { activeApp, openSample, takeLine, until, useAskedLists } from '../../support/editorHost.js';

const sample = openSample('digits-cnn');
const explain = 'neuronInspector.explainPrediction';

describe('a prediction that is explained', function () {
  this.timeout(90_000);
  const lists = useAskedLists();
  let app: App;
  /** The last run that a test began: one that is refused has ended before anybody could look for it. */
  let begun: LiveRun | undefined;
  let listening: vscode.Disposable | undefined;

  before(async () => {
    app = await activeApp();
    await app.models.searched;
    listening = app.runner.onDidChange(() => {
      begun = app.runner.active.at(-1) ?? begun;
    });
  });

  after(() => {
    listening?.dispose();
  });

  afterEach(async () => {
    begun = undefined;
    await vscode.commands.executeCommand('workbench.action.closeQuickOpen');
    await vscode.commands.executeCommand('workbench.action.closeAllEditors');
  });

  async function runOf(lead: Thenable<unknown>): Promise<LiveRun> {
    await lead;
    assert.ok(begun, 'nothing runs');
    return begun;
  }

  async function endOf(run: LiveRun): Promise<Extract<EndState, { readonly kind: 'ended' }>> {
    const end = await run.ended;
    assert.ok(end.kind === 'ended', end.kind === 'refused' ? end.error.message : '');
    return end;
  }

  /** A picture of one's own, which belongs to no data of the workspace. */
  function picture(name: string): vscode.Uri {
    const path = join(mkdtempSync(join(tmpdir(), 'ni-explain-')), name);
    const levels = Uint8Array.from({ length: 28 * 28 }, (_, i) => (i % 28 > 12 && i % 28 < 16 ? 255 : 0));
    writeFileSync(path, encodePng(28, 28, levels, 1));
    return vscode.Uri.file(path);
  }

  it('is that of the first sample of an inspect file, on its model', async () => {
    const run = await runOf(vscode.commands.executeCommand(explain, sample.inspectFile));
    assert.equal(run.request.modelPath, sample.model.fsPath);
    assert.equal(run.request.dataPath, sample.inspectFile.fsPath);
    assert.equal(run.request.settings['rows'], '0');
    const { report } = await endOf(run);
    assert.equal(report.analysis, 'attribution');
    assert.equal(report.data?.usedCount, 1);
  });

  it('of a picture of one’s own asks which model it is for, once for its folder, and is fed as that model’s data', async () => {
    const mine = picture('mine.png');
    const asked = vscode.commands.executeCommand(explain, mine);
    await takeLine(lists(), 1, 'digits-cnn.onnx');
    const run = await runOf(asked);
    assert.equal(run.request.dataPath, mine.fsPath);
    assert.equal(run.request.describedBy, sample.inspectFile.fsPath);
    const { report } = await endOf(run);
    assert.equal(report.status, 'complete');
    assert.equal(report.data?.describedBy, sample.inspectFile.fsPath);
    assert.ok(report.blocks.some(({ type }) => type === 'overlay'));
    const again = await runOf(vscode.commands.executeCommand(explain, mine));
    assert.equal(lists().length, 1);
    assert.equal(again.request.modelPath, sample.model.fsPath);
    await endOf(again);
    const other = vscode.commands.executeCommand('neuronInspector.explainWithModel', mine);
    await takeLine(lists(), 2, 'dying-relu.onnx');
    await endOf(await runOf(other));
  });

  it('leads from a pixel to the neurons that carry it, beside the report, and from one of these to its share', async () => {
    const run = await runOf(vscode.commands.executeCommand(explain, sample.inspectFile));
    const { report, result } = await endOf(run);
    assert.ok(result);
    const overlay = report.blocks.find(({ type }) => type === 'overlay');
    assert.deepEqual(overlay?.['parts'] === undefined, false);
    const subjectOf = (asked: LiveRun, kept: typeof result) => ({
      origin: { kind: 'result' as const, id: asked.id },
      title: '',
      state: { result: kept, isStale: false, crossed: [] },
      onDidChange: asked.onDidChange as unknown as vscode.Event<void>,
      refresh: () => undefined,
      cancel: () => undefined,
      dispose: () => undefined,
    });
    const ask = async (name: string): Promise<LiveRun> => {
      const followUp = report.followUps?.find(({ id }) => id === 'carriers');
      assert.ok(followUp);
      const settings = followUpSettings(followUp, { item: { rows: '0' }, name });
      return runOf(askFollowUp(app, subjectOf(run, result), { kind: 'follow-up', settings, way: 'run' }));
    };
    const carried = await endOf(await ask('14,14'));
    assert.match(carried.report.summary, /the effect of image\[14,14\] .* over relu3/);
    assert.equal(carried.report.data?.inspectFile, sample.inspectFile.fsPath);
    assert.ok(carried.report.blocks.some(({ title }) => title === 'Neurons of relu3 by their share'));
    const tabs = (): number[] => vscode.window.tabGroups.all.map((group) => group.tabs.length);
    const before = tabs();
    assert.ok(before.length > 1, 'the neurons do not stand beside the report');
    // Another pixel takes the place of the first.
    await endOf(await ask('10,10'));
    await until(() => tabs().join() === before.join(), `tabs ${tabs().join()}, were ${before.join()}`);
  });

  describe('of sounds and texts', () => {
    const others = ['tone-cnn', 'story-lm'] as const;

    before(async () => {
      for (const name of others) {
        const from = vscode.Uri.joinPath(app.extensionUri, 'sample-models', name).fsPath;
        cpSync(from, openSample(name).folder.fsPath, { recursive: true });
      }
      const known = (): string[] => app.models.inspectFiles.map(({ path }) => path);
      const isKnown = (name: (typeof others)[number]): boolean =>
        known().includes(openSample(name).inspectFile.fsPath);
      await until(() => others.every(isKnown), `only ${known().join(', ')} are known`, 20_000);
    });

    after(() => {
      for (const name of others) rmSync(openSample(name).folder.fsPath, { recursive: true });
    });

    it('of a WAV file plays, and shows which part of it matters', async () => {
      const tone = openSample('tone-cnn');
      const wav = vscode.Uri.joinPath(tone.folder, 'data', '1600-hz', '1.wav');
      const run = await runOf(vscode.commands.executeCommand(explain, wav));
      assert.equal(run.request.modelPath, tone.model.fsPath);
      assert.equal(run.request.describedBy, tone.inspectFile.fsPath);
      const { report } = await endOf(run);
      const audio = report.blocks.find((block): block is AudioBlock => block.type === 'audio');
      assert.ok(audio);
      const [item] = audio.items;
      assert.match(item?.source ?? '', /^data:audio\/wav;base64,/);
      assert.ok(relevantSpans(item!.values, item!.durationSeconds).length > 0);
      assert.equal(audio.parts?.noun, 'piece');
    });

    it('of a text file shows its tokens by their text', async () => {
      const story = openSample('story-lm');
      const path = join(mkdtempSync(join(tmpdir(), 'ni-explain-')), 'story.txt');
      writeFileSync(path, 'Once upon a time there was a little dog');
      const asked = vscode.commands.executeCommand('neuronInspector.explainWithModel', vscode.Uri.file(path));
      await takeLine(lists(), 1, 'story-lm.onnx');
      const run = await runOf(asked);
      assert.equal(run.request.describedBy, story.inspectFile.fsPath);
      const { report } = await endOf(run);
      const tokens = report.blocks.find((block): block is TokensBlock => block.type === 'tokens');
      assert.match(
        tokens?.tokens.map(({ text }) => text).join('') ?? '',
        /upon a time there was a little dog/,
      );
      assert.equal(tokens?.parts?.noun, 'token');
    });
  });

  it('says what is wrong where the file does not fit the model', async () => {
    const path = join(mkdtempSync(join(tmpdir(), 'ni-explain-')), 'rows.csv');
    writeFileSync(path, 'a,b\n1,2\n3,4\n');
    const document = await vscode.workspace.openTextDocument(vscode.Uri.file(path));
    const editor = await vscode.window.showTextDocument(document);
    editor.selection = new vscode.Selection(2, 0, 2, 0);
    const asked = vscode.commands.executeCommand(explain);
    await takeLine(lists(), 1, 'digits-cnn.onnx');
    const run = await runOf(asked);
    // The row that the cursor is in.
    assert.equal(run.request.settings['rows'], '1');
    const end = await run.ended;
    const message = end.kind === 'refused' ? end.error.message : (end.error?.message ?? '');
    assert.match(message, /image.*rows\.csv|rows\.csv.*image|columns|784/s);
  });

  it('is offered above the lines of an inspect file, and not where the setting is off', async () => {
    const document = await vscode.workspace.openTextDocument(sample.inspectFile);
    await vscode.window.showTextDocument(document);
    const lensesNow = (): Thenable<vscode.CodeLens[]> =>
      vscode.commands.executeCommand('vscode.executeCodeLensProvider', document.uri);
    const own = (await lensesNow()).filter(({ command }) => command?.command.startsWith('neuronInspector.'));
    assert.deepEqual(
      own.map(({ command }) => command?.title),
      ['Run analysis…', 'Explain first sample'],
    );
    const [, first] = own;
    assert.match(document.lineAt(first!.range.start.line).text, /"path"/);
    const { command, arguments: given = [] } = first!.command!;
    const run = await runOf(vscode.commands.executeCommand(command, ...(given as unknown[])));
    assert.equal(run.request.settings['rows'], '0');
    run.cancel();
    await run.ended;
    const settings = vscode.workspace.getConfiguration('neuronInspector');
    await settings.update('codeLens.enabled', false, vscode.ConfigurationTarget.Global);
    try {
      const left = (await lensesNow()).filter(({ command }) =>
        command?.command.startsWith('neuronInspector.'),
      );
      assert.deepEqual(left, []);
    } finally {
      await settings.update('codeLens.enabled', undefined, vscode.ConfigurationTarget.Global);
    }
  });

  it('is offered in a test at the sample that an assertion is about', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'ni-lens-'));
    writeFileSync(join(folder, 'seven.png'), '');
    const test = vscode.Uri.file(join(folder, 'test_digits.py'));
    writeFileSync(test.fsPath, 'def test_it():\n    x = load("seven.png")\n    assert predict(x) == 7\n');
    await vscode.window.showTextDocument(test);
    const lenses = await vscode.commands.executeCommand<vscode.CodeLens[]>(
      'vscode.executeCodeLensProvider',
      test,
    );
    assert.deepEqual(
      lenses.map(({ range, command }) => [range.start.line, command?.title]),
      [
        [1, 'Explain this prediction'],
        [2, 'Explain this prediction'],
      ],
    );
  });

  it('is compared with another method: both stand side by side when it has run', async () => {
    const first = await endOf(await runOf(vscode.commands.executeCommand(explain, sample.inspectFile)));
    assert.ok(first.result);
    const asked = vscode.commands.executeCommand('neuronInspector.compareWithOther', first.result.id);
    await takeLine(lists(), 1, 'occlusion');
    await until(() => app.runner.active.length > 0, 'no second run', 30_000);
    const [second] = app.runner.active;
    assert.equal(second?.request.settings['method'], 'occlusion');
    assert.equal(second.request.settings['rows'], '0');
    await asked;
    await until(
      () =>
        vscode.window.tabGroups.all
          .flatMap(({ tabs }) => tabs)
          .some(({ label }) => label.includes('compared')),
      'no comparison opened',
      30_000,
    );
  });
});
