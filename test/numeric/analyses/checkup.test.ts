import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';
import { type Analysis, defineAnalysis, type ReportDraft } from '../../../src/analyses/analysis.js';
import { createCheckup } from '../../../src/analyses/health/checkup.js';
import { partMetrics } from '../../../src/analyses/health/checkup/partMetrics.js';
import { planCheckup } from '../../../src/analyses/health/checkup/plan.js';
import { deadNeurons } from '../../../src/analyses/health/dead-neurons.js';
import { analyses } from '../../../src/analyses/registry.js';
import { throwIfAborted } from '../../../src/base/abort.js';
import { UserError } from '../../../src/base/errors.js';
import { createRandom } from '../../../src/base/random.js';
import type { Finding } from '../../../src/protocol/report.js';
import { createSharedWorks } from '../../../src/runs/sharedWorks.js';
import { memoryDataset } from '../../support/memoryDataset.js';
import { denseModel, normalTensor } from '../../support/modelBuilder.js';
import { runOn } from '../../support/runHealth.js';

const model = denseModel([4, 6, 3]);
const data = memoryDataset({ x: normalTensor(createRandom(2), [50, 4]) });

/** An analysis of health that answers with these findings. */
function answering(id: string, more: Partial<Analysis> & { readonly findings?: Finding[] } = {}): Analysis {
  const { findings = [], ...fields } = more;
  return defineAnalysis({
    id,
    question: 'health',
    title: id,
    asks: 'What?',
    needs: { data: 'required', labels: 'none', gradients: false },
    settings: {},
    metrics: { share: { title: 'Share', description: `Share that ${id} finds.` } },
    papers: [],
    rows: [],
    run: () => Promise.resolve(draftOf(id, findings)),
    ...fields,
  });
}

function draftOf(title: string, findings: readonly Finding[] = []): ReportDraft {
  return {
    title,
    summary: `${title} says so.`,
    metrics: { share: 0.25 },
    evidence: { share: { kind: 'measured', n: 50 } },
    ...{ findings, arrays: {}, warnings: [] },
    blocks: [{ type: 'metrics', items: [{ metric: 'share', label: 'Share', format: 'percent' }] }],
  };
}

function finding(severity: Finding['severity'], message: string): Finding {
  return { severity, message, advice: 'Do something.' };
}

describe('the checkup', () => {
  it('puts the worst finding first, says once what two found, and names who found it', async () => {
    const draft = await runOn(
      createCheckup([
        answering('first', { findings: [finding('info', 'small'), finding('warning', 'both')] }),
        answering('second', { findings: [finding('warning', 'both'), finding('error', 'bad')] }),
      ]),
      model,
      data,
    );
    assert.deepEqual(
      draft.findings.map(({ message, analysis }) => [message, analysis]),
      [
        ['bad', 'second'],
        ['both', 'first'],
        ['small', 'first'],
      ],
    );
    assert.deepEqual([draft.metrics['errorCount'], draft.metrics['warningCount']], [1, 1]);
    assert.match(draft.summary, /2 analyses found 1 error and 1 warning; the worst: bad\./);
    assert.deepEqual(
      draft.parts?.map(({ analysis }) => analysis.id),
      ['first', 'second'],
    );
    assert.equal(draft.status, undefined);
    const numbers = draft.blocks.find(({ title }) => title === 'All numbers');
    assert.deepEqual(numbers?.type === 'metrics' && numbers.items, [
      { metric: 'share', label: 'first: Share', format: 'percent' },
      { metric: 'second.share', label: 'second: Share', format: 'percent' },
    ]);
  });

  it('goes on after one that fails, and says what was left out and why', async () => {
    const draft = await runOn(
      createCheckup([
        answering('broken', { run: () => Promise.reject(new Error('a bug')) }),
        answering('unfit', {
          run: () => Promise.reject(new UserError('no-gates', `${model.file.path} has no gates.`)),
        }),
        answering('picky', { lacks: () => 'it has no attention' }),
        answering('guess', { misleads: () => 'what follows what is not known' }),
        answering('labelled', { needs: { data: 'required', labels: 'required', gradients: false } }),
        answering('other', { question: 'trust', run: () => Promise.reject(new Error('is not asked')) }),
        answering('last'),
      ]),
      model,
      data,
    );
    const table = draft.blocks.find(({ title }) => title === 'What was left out, and why');
    assert.deepEqual(
      table?.type === 'table' && table.rows.map((row) => [row['analysis'], row['gap'], row['reason']]),
      [
        ['picky', 'does not apply', 'It does not fit this model: it has no attention.'],
        ['guess', 'does not apply', 'It is left to be asked for: what follows what is not known.'],
        ['labelled', 'needs data', 'It needs data with labels.'],
        ['broken', 'failed', 'a bug'],
        // Named as its folder has it: where that lies is for no reader of the report.
        ['unfit', 'does not apply', 'model.onnx has no gates.'],
      ],
    );
    const { ranCount, failedCount, leftOutCount } = draft.metrics;
    assert.deepEqual([ranCount, failedCount, leftOutCount], [1, 1, 4]);
    assert.equal(draft.status, 'partial');
    assert.match(draft.evidence['share']?.how ?? '', /broken failed: a bug/);
    assert.equal(draft.metrics['last.share'], 0.25);
    assert.match(draft.summary, /1 more could not be asked\. 1 more needs data, or labels\./);
  });

  it('ends at the budget one that takes too long, keeps what it knew, and leaves out the rest', async () => {
    const draft = await runOn(
      createCheckup([
        answering('endless', {
          run: async (context) => {
            context.partial(() => draftOf('endless', [finding('warning', 'known so far')]));
            for (;;) {
              await delay(5);
              throwIfAborted(context.signal);
            }
          },
        }),
        answering('late'),
      ]),
      model,
      data,
      { settings: { budget: 1 } },
    );
    assert.equal(draft.findings[0]?.message, 'known so far');
    assert.equal(draft.parts?.[0]?.draft.status, 'partial');
    assert.equal(draft.evidence['late.share']?.kind, 'not-captured');
    assert.match(draft.warnings.join(' '), /The budget ended endless/);
  });

  it('sweeps once for the analyses that want the same sweep, and answers as they do alone', async () => {
    const keys: string[] = [];
    const works = createSharedWorks().of('test');
    const health = analyses.filter(({ id }) => ['dead-neurons', 'activation-sparsity'].includes(id));
    const draft = await runOn(createCheckup(health), model, data, {
      shared: {
        once: (key, work) =>
          works.once(key, () => {
            keys.push(key.split(' ')[0] ?? '');
            return work();
          }),
      },
    });
    assert.equal(keys.filter((key) => key === 'sweep').length, 1);
    const alone = await runOn(deadNeurons, model, data);
    const part = draft.parts?.[0]?.draft;
    assert.deepEqual(part?.metrics, alone.metrics);
    assert.deepEqual(part.arrays, alone.arrays);
    assert.equal(draft.metrics['deadShare'], alone.metrics['deadShare']);
  });
});

describe('the metrics of a checkup', () => {
  it('keep their names, the first of two that mean different things too', () => {
    const shared = { title: 'Dead share', description: 'The same for both.' };
    const own = { title: 'Another', description: 'By the same name.' };
    const [a, b, c] = [
      answering('a', { metrics: { dead: shared } }),
      answering('b', { metrics: { dead: shared, only: own } }),
      answering('c', { metrics: { dead: own } }),
    ];
    const metrics = partMetrics({}, [a, b, c]);
    assert.deepEqual(Object.keys(metrics.declared), ['dead', 'only', 'c.dead']);
    assert.deepEqual(
      [a, b, c].map((analysis) => metrics.nameOf(analysis, 'dead')),
      ['dead', 'dead', 'c.dead'],
    );
  });
});

describe('the plan of a checkup', () => {
  const sweep = (sampleCount: number) => ({ passCount: sampleCount, readCount: 0 });
  const costing = (id: string, passes: number, isShared = false) => ({
    analysis: answering(id, {
      cost: (_settings, { sampleCount }) => ({
        passCount: passes * sampleCount,
        readCount: 0,
        ...(isShared ? { shared: { sweep: sweep(sampleCount) } } : {}),
      }),
    }),
    settings: {},
  });
  // A millisecond a sample.
  const timing = { sampleCount: 10, readMs: 0, runMs: 10 };
  const workload = { model, sampleCount: 10_000, limit: undefined, sampleShapes: {} };

  it('runs all on all samples where the budget allows it, shared work counted once', () => {
    const candidates = [costing('a', 1, true), costing('b', 2, true)];
    const fits = planCheckup(candidates, workload, { timing, budgetMs: 20_000 });
    assert.deepEqual([fits.sampleCount, fits.leftOut.length], [10_000, 0]);
    const less = planCheckup(candidates, workload, { timing, budgetMs: 19_999 });
    assert.deepEqual([less.sampleCount, less.leftOut.length], [9999, 0]);
  });

  it('leaves out what takes longest when a thousand samples are too many', () => {
    const candidates = [costing('quick', 1), costing('long', 30), costing('longer', 50)];
    const plan = planCheckup(candidates, workload, { timing, budgetMs: 40_000 });
    assert.deepEqual(
      plan.leftOut.map(({ analysis, gap }) => [analysis.id, gap]),
      [['longer', 'no budget']],
    );
    assert.equal(plan.sampleCount, 1290);
    assert.match(plan.leftOut[0]?.reason ?? '', /about 50 s on 1,000 samples/);
  });
});
