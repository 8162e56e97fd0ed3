import { setTimeout as delay } from 'node:timers/promises';
import {
  type Analysis,
  type AnalysisContext,
  defineAnalysis,
  type ReportDraft,
} from '../../src/analyses/analysis.js';
import { toFloat64 } from '../../src/onnx/tensorValue.js';
import { float32Tensor } from '../../src/onnx/tensorValue.js';

// Analyses that are simple enough to know the answer, and some that misbehave.

function draft(sum: number, count: number): ReportDraft {
  return {
    title: 'Output mean',
    summary: `The mean output is ${sum / count}.`,
    metrics: { outputMean: sum / count, never: NaN },
    evidence: {
      outputMean: { kind: 'measured', n: count },
      never: { kind: 'not-captured', how: 'this test never captures it' },
    },
    findings: [],
    arrays: {
      'out.sum': { value: float32Tensor([sum], [1]), evidence: { kind: 'measured', n: count } },
      'out/flag': {
        value: { dtype: 'bool', dims: [2], data: Uint8Array.of(1, 0) },
        evidence: { kind: 'measured', n: count },
      },
    },
    blocks: [],
    warnings: [],
  };
}

const shared = {
  question: 'health' as const,
  needs: { data: 'required' as const, labels: 'none' as const, gradients: false },
  metrics: {
    outputMean: { title: 'Mean', description: 'Mean of all outputs.' },
    never: { title: 'Never', description: 'Never captured.' },
  },
  papers: [{ id: 'p1', title: 'A paper' }],
  rows: [],
};

async function sumOutputs(context: AnalysisContext, pauseMs: number): Promise<ReportDraft> {
  const { data, runtime, model, batchSize, limit } = context;
  if (data === undefined) throw new Error('No data.');
  const session = await runtime.open(model);
  const total = Math.min(limit ?? Infinity, data.sampleCount);
  let sum = 0;
  let count = 0;
  let sampleCount = 0;
  for await (const batch of data.batches({ batchSize, limit: total })) {
    for (const value of Object.values(await session.run(batch.feeds))) {
      for (const element of toFloat64(value)) {
        sum += element;
        count++;
      }
    }
    sampleCount += batch.sampleCount;
    context.progress({ fractionDone: sampleCount / total, message: 'Summing' });
    context.partial(() => draft(sum, count));
    if (pauseMs > 0) await delay(pauseMs);
  }
  return draft(sum, count);
}

/** Sums all outputs. */
const outputMean = defineAnalysis({
  ...shared,
  id: 'output-mean',
  title: 'Output mean',
  asks: 'What is the mean output?',
  settings: {
    scale: { kind: 'integer', title: 'Scale', description: 'Unused.', default: 1, minimum: 1, maximum: 10 },
  },
  run: (context) => sumOutputs(context, 0),
});

/** Waits a second after each batch. */
const slow = defineAnalysis({
  ...shared,
  id: 'slow',
  title: 'Slow',
  asks: 'How long can you wait?',
  settings: {},
  run: (context) => sumOutputs(context, 1000),
});

/** Has a bug. */
const faulty = defineAnalysis({
  ...shared,
  id: 'faulty',
  title: 'Faulty',
  asks: 'What is a bug?',
  settings: {},
  run: async (context) => {
    context.partial(() => draft(1, 2));
    await delay(1);
    throw new TypeError('a planted bug');
  },
});

/** Kills its own process after a partial report. */
const crashing = defineAnalysis({
  ...shared,
  id: 'crashing',
  title: 'Crashing',
  asks: 'What is a crash?',
  settings: {},
  run: async (context) => {
    context.partial(() => draft(1, 2));
    await delay(50);
    process.kill(process.pid, 'SIGKILL');
    return delay(60_000, draft(0, 1));
  },
});

/** The analyses of the test engine. */
export const testAnalyses: readonly Analysis[] = [outputMean, slow, faulty, crashing];
