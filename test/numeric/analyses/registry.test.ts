import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { questionTitles, type RunCost, type SettingsOf } from '../../../src/analyses/analysis.js';
import { analyses } from '../../../src/analyses/registry.js';
import { silentLogger } from '../../../src/base/logger.js';
import { createRandom } from '../../../src/base/random.js';
import { writeNpz } from '../../../src/data/npz.js';
import { int64Tensor } from '../../../src/onnx/tensorValue.js';
import { readModel } from '../../../src/onnx/readModel.js';
import type { RunRequest } from '../../../src/protocol/engineMessages.js';
import { completeSettings, parseSettings } from '../../../src/protocol/readSettings.js';
import { firstProblem, type Report } from '../../../src/protocol/report.js';
import { conditionsOf, type SettingsSchema } from '../../../src/protocol/settings.js';
import { metricsOf } from '../../../src/runs/declaredMetrics.js';
import { createEngineClient } from '../../../src/runs/engineClient.js';
import { runAnalysis } from '../../../src/runs/runAnalysis.js';
import { runReport } from '../../../src/runs/runReport.js';
import { type ModelAndData, writeClassifier, writeSlowRun, writeTrees } from '../../support/cliModels.js';
import { normalTensor } from '../../support/modelBuilder.js';
import { builtEngine, rootDir } from '../../support/paths.js';
import { specialModels } from '../../support/specialModels.js';
import { useTemporaryFolder } from '../../support/temporaryFolder.js';

const analysesDir = join(rootDir, 'src', 'analyses');

describe('the registry of analyses', () => {
  const sharedFolder = useTemporaryFolder('suite');
  let slow: Promise<ModelAndData> | undefined;
  /** A model and samples that keep most analyses busy for seconds, written once. */
  function slowRun(): Promise<ModelAndData> {
    return (slow ??= writeSlowRun(sharedFolder()));
  }

  it('has every file of every question once, named after its id, in the folder of its question', () => {
    const files = Object.keys(questionTitles).flatMap((question) => filesOf(question));
    const registered = analyses.map(({ id, question }) => `${question}/${id}.ts`);
    assert.deepEqual([...registered].sort(), files.sort());
    assert.equal(new Set(analyses.map(({ id }) => id)).size, analyses.length);
    for (const { id } of analyses) assert.match(id, /^[a-z][a-z0-9]*(-[a-z0-9]+)*$/);
  });

  it('says of every paper of the table how it is run and what it does not do', () => {
    for (const { id, papers, rows, settings } of analyses) {
      const lines = papers.flatMap(({ line }) => line ?? []);
      assert.deepEqual(
        rows.map(({ line }) => line).sort((a, b) => a - b),
        lines.sort((a, b) => a - b),
        id,
      );
      for (const row of rows) {
        for (const key of Object.keys(row.settings ?? {})) assert.ok(key in settings, `${id}: ${key}`);
      }
    }
  });

  for (const analysis of analyses) {
    describe(analysis.id, function () {
      this.timeout(60_000);
      const folder = useTemporaryFolder('suite');
      // The one analysis that reads no networks.
      const needsTrees = analysis.id === 'tree-ensemble';
      const special = specialModels[analysis.id];

      /** The smallest model there is for it: one hidden layer, eight samples with labels. */
      async function smallest(): Promise<RunRequest> {
        const common = {
          kind: 'run',
          analysis: analysis.id,
          settings: {},
          seed: 3,
          provider: 'cpu',
        } as const;
        if (special !== undefined) {
          const { model, data } = await special.small(folder());
          return { ...common, modelPath: model, dataPath: data };
        }
        const { model } = needsTrees
          ? await writeTrees(folder(), { sampleCount: 8, treeCount: 3 })
          : await writeClassifier(folder());
        const dataPath = join(folder(), 'eight.npz');
        const labels = int64Tensor([0, 1, 2, 0, 1, 2, 0, 1], [8]);
        await writeNpz(dataPath, { x: normalTensor(createRandom(4), [8, 6]), labels });
        return { ...common, modelPath: model, dataPath };
      }

      async function run(request: RunRequest): Promise<Report> {
        const hooks = { analyses, log: silentLogger, progress: () => undefined, partial: () => undefined };
        return (await runAnalysis(request, hooks)).report;
      }

      let first: Promise<Report> | undefined;
      /** The report on the smallest model, made once for all that is asked of it. */
      function firstReport(): Promise<Report> {
        return (first ??= smallest().then(run));
      }

      it('declares itself completely', () => {
        const { title, asks, metrics, papers, settings } = analysis;
        for (const text of [title, asks]) assert(text.length > 3);
        assert.match(asks, /\?$/);
        for (const [key, metric] of Object.entries(metrics)) {
          // The checkup has metrics of other analyses, with their ids where two use one name.
          assert.match(key, /^([a-z][a-z0-9-]*\.)?[a-z][A-Za-z0-9]*$/);
          assert(metric.title !== '' && metric.description.length > 10, key);
        }
        for (const [key, setting] of Object.entries(settings)) {
          assert.match(key, /^[a-z][A-Za-z0-9]*$/);
          assert(setting.title !== '' && setting.description.length > 10, key);
        }
        for (const paper of papers) assert(paper.title !== '' && paper.id !== '');
      });

      it('has defaults within the bounds of its settings', () => {
        const defaults = Object.fromEntries(
          Object.entries(analysis.settings).map(([key, setting]) => [key, setting.default]),
        );
        assert.deepEqual(completeSettings(analysis.settings, defaults), defaults);
      });

      it('takes the settings that it says run its papers', () => {
        for (const { line, settings: given = {} } of analysis.rows) {
          const texts = Object.entries(given).map(([key, value]) => `${key}=${value}`);
          assert.doesNotThrow(
            () => completeSettings(analysis.settings, parseSettings(analysis.settings, texts)),
            `row ${String(line)}`,
          );
        }
      });

      it('knows about what it costs: more for more samples, where it reads any', async () => {
        const request = await smallest();
        const model = await readModel(request.modelPath);
        const settings = completeSettings(analysis.settings, {}) as SettingsOf<SettingsSchema>;
        const costOf = (sampleCount: number): RunCost | undefined =>
          analysis.cost?.(settings, { model, sampleCount, limit: undefined, sampleShapes: { x: [6] } });
        const [few, many] = [costOf(4), costOf(8)];
        assert(few !== undefined && many !== undefined, 'every analysis says what it costs');
        if (analysis.needs.data === 'none') {
          assert.ok(few.passCount > 0);
          assert.deepEqual(few, many);
          return;
        }
        for (const key of ['passCount', 'readCount'] as const) {
          assert(Number.isFinite(few[key]) && few[key] > 0, key);
          assert(few[key] < many[key], key);
        }
      });

      it('lets a setting depend on choices of its own only', () => {
        for (const [key, setting] of Object.entries(analysis.settings)) {
          for (const condition of conditionsOf(setting)) {
            for (const [other, values] of Object.entries(condition)) {
              const choice = analysis.settings[other];
              assert(choice?.kind === 'choice' || choice?.kind === 'boolean', `${key} depends on ${other}`);
              // What a choice itself depends on is said again, so that nothing has to follow a chain.
              const [whenChosen = {}, ...more] = conditionsOf(choice);
              assert.equal(more.length, 0, `${other} depends on one of several`);
              for (const [further, wanted] of Object.entries(whenChosen)) {
                for (const value of condition[further] ?? ['none']) {
                  assert(wanted.includes(value), `${key} depends on ${other}, which depends on ${further}`);
                }
              }
              const known = choice.kind === 'choice' ? choice.choices : ['true', 'false'];
              for (const value of values) assert(known.includes(value), `${key}: ${other}=${value}`);
            }
          }
        }
      });

      it('gives a valid report on the smallest model: metrics declared, every number with evidence', async () => {
        const report = await firstReport();
        assert.equal(firstProblem(report), undefined);
        assert.equal(report.status, 'complete');
        assert.equal(report.analysis, analysis.id);
        assert(report.summary.length > 10);
        const declared = new Set(Object.keys(metricsOf(analysis)));
        for (const metric of Object.keys(report.metrics)) {
          assert(declared.has(metric), `${metric} is not declared`);
          assert(report.evidence[metric] !== undefined, `${metric} has no evidence`);
        }
        // A declared metric is there, or the report says why not.
        for (const metric of Object.keys(analysis.metrics)) {
          assert(metric in report.metrics || report.evidence[metric]?.kind === 'not-captured', metric);
        }
        assert(Object.keys(report.arrays).length > 0);
        for (const name of Object.keys(report.arrays)) {
          assert(report.evidence[name] !== undefined, `${name} has no evidence`);
        }
        for (const finding of report.findings) assert(finding.advice !== '', finding.message);
        for (const block of report.blocks) {
          if (block.type === 'chart' && 'table' in block) assert(JSON.stringify(block.table).length > 20);
        }
      });

      it('gives the same bytes for the same seed, apart from times', async () => {
        const [report, again] = [await firstReport(), await run(await smallest())];
        assert.equal(withoutTimes(report), withoutTimes(again));
      });

      it('is cancelled within 200 ms and leaves a report', async () => {
        const { model, data } = needsTrees
          ? await writeTrees(folder(), { sampleCount: 64, treeCount: 500 })
          : await (special?.slow(folder()) ?? slowRun());
        const client = createEngineClient({ log: silentLogger, ...builtEngine() });
        const controller = new AbortController();
        let abortedMs = 0;
        const request: RunRequest = {
          ...(await smallest()),
          modelPath: model,
          dataPath: data,
          batchSize: 16,
        };
        const running = runReport(client, request, {
          analyses,
          signal: controller.signal,
          onProgress: (fractionDone) => {
            if (fractionDone === 0 || abortedMs > 0) return;
            abortedMs = performance.now();
            controller.abort();
          },
        });
        const { report, error } = await running;
        const tookMs = performance.now() - abortedMs;
        client.dispose();
        assert.equal(error, undefined);
        assert.equal(report.status, 'cancelled');
        assert.equal(firstProblem(report), undefined);
        assert(abortedMs > 0 && tookMs < 200, `${tookMs} ms`);
      });
    });
  }
});

function filesOf(question: string): string[] {
  try {
    const names = readdirSync(join(analysesDir, question)).filter((name) => name.endsWith('.ts'));
    return names.map((name) => `${question}/${name}`);
  } catch {
    // A question without analyses yet has no folder.
    return [];
  }
}

/** Times are the report's own, and those that a benchmark measures. */
function withoutTimes(report: Report): string {
  const times = new Set(['createdAt', 'durationMs', 'msPerRow']);
  return JSON.stringify(report, (key, value: unknown) => (times.has(key) ? null : value));
}
