import { basename } from 'node:path';
import * as vscode from 'vscode';
import { messageOf } from '../../base/errors.js';
import type { Report } from '../../protocol/report.js';
import { metricsOf } from '../../runs/declaredMetrics.js';
import { findAnalysis } from '../../runs/findAnalysis.js';
import { judge, parseThreshold } from '../../runs/thresholds.js';
import type { App } from '../app.js';
import { engineConfiguration, runLimits } from '../configuration.js';
import { loadAnalyses } from '../loadAnalyses.js';
import type { EndState } from '../run/liveRun.js';
import { thresholdsInText, type WrittenThreshold } from './thresholdsInText.js';

/** A threshold as a test. */
interface ThresholdTest {
  readonly item: vscode.TestItem;
  readonly threshold: WrittenThreshold;
  readonly modelPath: string;
  readonly inspectPath: string;
}

/** The thresholds of the workspace's inspect files as tests: a test fails when its threshold is crossed. */
export class ThresholdTests {
  private readonly app: Pick<App, 'models' | 'runner' | 'log'>;
  private readonly controller: vscode.TestController;
  private readonly byId = new Map<string, ThresholdTest>();

  constructor(app: Pick<App, 'models' | 'runner' | 'log'>, controller: vscode.TestController) {
    this.app = app;
    this.controller = controller;
  }

  /** Lists the thresholds that the inspect files have now. */
  async discover(): Promise<void> {
    await this.app.models.searched;
    this.byId.clear();
    const files: vscode.TestItem[] = [];
    for (const { path, modelPath, hasData } of this.app.models.inspectFiles) {
      if (modelPath === undefined || !hasData) continue;
      const item = this.controller.createTestItem(path, basename(path), vscode.Uri.file(path));
      item.description = basename(modelPath);
      item.children.replace(await this.testsOf(path, modelPath));
      if (item.children.size > 0) files.push(item);
    }
    this.controller.items.replace(files);
  }

  /** Runs tests: one run of the engine for all thresholds of an analysis with the same settings. */
  async run(request: vscode.TestRunRequest, token: vscode.CancellationToken): Promise<void> {
    const run = this.controller.createTestRun(request);
    const groups = new Map<string, ThresholdTest[]>();
    for (const test of this.asked(request)) {
      const { analysis, settings } = test.threshold;
      const key = JSON.stringify([test.inspectPath, analysis, settings]);
      groups.set(key, [...(groups.get(key) ?? []), test]);
      run.enqueued(test.item);
    }
    try {
      for (const tests of groups.values()) await this.runGroup(tests, run, token);
    } finally {
      run.end();
    }
  }

  private async testsOf(path: string, modelPath: string): Promise<vscode.TestItem[]> {
    const uri = vscode.Uri.file(path);
    try {
      const document = await vscode.workspace.openTextDocument(uri);
      const { parseInspectFile } = await import('../../protocol/documents.js');
      const text = document.getText();
      return thresholdsInText(text, parseInspectFile(JSON.parse(text), path)).map((threshold, index) => {
        const { analysis, span } = threshold;
        const id = `${path} ${String(index)} ${analysis} ${threshold.text}`;
        const item = this.controller.createTestItem(id, `${analysis}: ${threshold.text}`, uri);
        if (span !== undefined) {
          item.range = new vscode.Range(document.positionAt(span.start), document.positionAt(span.end));
        }
        this.byId.set(id, { item, threshold, modelPath, inspectPath: path });
        return item;
      });
    } catch (error) {
      this.app.log.warn(`The thresholds of ${path} are not listed: ${messageOf(error)}`);
      return [];
    }
  }

  /** What was chosen, files standing for their thresholds; everything where nothing was. */
  private asked({ include, exclude = [] }: vscode.TestRunRequest): ThresholdTest[] {
    const isIn = (items: readonly vscode.TestItem[], { item }: ThresholdTest): boolean =>
      items.some(({ id }) => id === item.id || id === item.parent?.id);
    return [...this.byId.values()].filter(
      (test) => (include === undefined || isIn(include, test)) && !isIn(exclude, test),
    );
  }

  private async runGroup(
    tests: readonly ThresholdTest[],
    run: vscode.TestRun,
    token: vscode.CancellationToken,
  ): Promise<void> {
    const [first] = tests;
    if (first === undefined) return;
    if (token.isCancellationRequested) {
      for (const { item } of tests) run.skipped(item);
      return;
    }
    for (const { item } of tests) run.started(item);
    try {
      const end = await this.measure(first, token);
      for (const test of tests) await tell(run, test, end);
    } catch (error) {
      for (const { item } of tests) run.errored(item, new vscode.TestMessage(messageOf(error)));
    }
  }

  private async measure(
    { threshold, modelPath, inspectPath }: ThresholdTest,
    token: vscode.CancellationToken,
  ): Promise<EndState> {
    const live = await this.app.runner.start({
      analysis: threshold.analysis,
      modelPath,
      dataPath: inspectPath,
      settings: threshold.settings,
      seed: 0,
      provider: engineConfiguration().provider,
      ...runLimits(),
    });
    const cancelling = token.onCancellationRequested(() => {
      live.cancel();
    });
    const end = await live.ended;
    cancelling.dispose();
    return end;
  }
}

async function tell(run: vscode.TestRun, test: ThresholdTest, end: EndState): Promise<void> {
  const { item, threshold } = test;
  if (end.kind === 'refused') {
    run.errored(item, messageAt(item, end.error.message));
    return;
  }
  const { report } = end;
  if (report.status === 'cancelled') {
    run.skipped(item);
    return;
  }
  if (report.status === 'failed') {
    run.errored(item, messageAt(item, report.warnings[0] ?? report.summary), report.durationMs);
    return;
  }
  const analysis = findAnalysis(await loadAnalyses(), threshold.analysis);
  const parsed = parseThreshold(threshold.text, Object.keys(metricsOf(analysis)));
  const { isCrossed, reason } = judge(parsed, report);
  if (isCrossed) run.failed(item, failure(item, reason, actualOf(report, parsed.metric)), report.durationMs);
  else run.passed(item, report.durationMs);
}

function failure(item: vscode.TestItem, reason: string, actual: string): vscode.TestMessage {
  const message = messageAt(item, reason);
  message.actualOutput = actual;
  message.expectedOutput = vscode.l10n.t('not {0}', item.label);
  return message;
}

/** The message stands on the threshold in its file. */
function messageAt(item: vscode.TestItem, text: string): vscode.TestMessage {
  const message = new vscode.TestMessage(text);
  if (item.uri !== undefined && item.range !== undefined) {
    message.location = new vscode.Location(item.uri, item.range);
  }
  return message;
}

function actualOf(report: Report, metric: string): string {
  return `${metric} = ${String(report.metrics[metric] ?? '–')}`;
}
