import { formatNumber } from '../protocol/formatReport.js';
import {
  accuracyPreface,
  type AnswerTally,
  chooseAnswerOutput,
  noAnswers,
  tallyAnswers,
} from '../analyses/shared/accuracy.js';
import type { ProgressUpdate } from '../analyses/analysis.js';
import type { Dataset } from '../data/dataset.js';
import type { Runtime } from '../engine/runtime/session.js';
import type { Model } from '../onnx/model.js';
import { emptyPreface, type Preface } from './assembleReport.js';

/** The accuracy rests on at most this many samples: enough for ± 1 % at 95 %, and a share of a long sweep's time. */
export const maxAccuracySamples = 10_000;

/** What the accuracy is measured with. */
export interface AccuracyRequest {
  readonly model: Model;
  readonly runtime: Runtime;
  readonly data: Dataset | undefined;
  readonly batchSize: number;
  readonly limit: number | undefined;
  /** Hears of this pass alone: 1 when the accuracy is known. */
  progress(update: ProgressUpdate): void;
}

/** Returns the model's own accuracy on labelled data, first in every report; an empty preface without labels. */
export async function measureAccuracy(request: AccuracyRequest): Promise<Preface> {
  const { data, batchSize } = request;
  if (data?.hasLabels !== true) return emptyPreface;
  const sampleCount = Math.min(data.sampleCount, request.limit ?? Infinity, maxAccuracySamples);
  const session = await request.runtime.open(request.model);
  let tally: AnswerTally = noAnswers;
  try {
    let answer: string | undefined;
    for await (const batch of data.batches({ batchSize, limit: sampleCount })) {
      const outputs = await session.run(batch.feeds, answer === undefined ? undefined : [answer]);
      answer ??= chooseAnswerOutput(outputs, batch.sampleCount);
      const output = answer === undefined ? undefined : outputs[answer];
      // Detectors and the like have no class per sample: there is no accuracy to speak of.
      if (output === undefined || batch.labels === undefined) return emptyPreface;
      tally = tallyAnswers(tally, output, batch.labels);
      request.progress({
        fractionDone: tally.sampleCount / sampleCount,
        message: `Measuring the accuracy (${formatNumber(tally.sampleCount, 'count')} of ${formatNumber(sampleCount, 'count')} samples)`,
      });
    }
  } finally {
    await session.close();
  }
  return withEvidence(accuracyPreface(tally), data.sampleCount);
}

/** An accuracy on fewer than all samples says so. */
function withEvidence(preface: Preface, allCount: number): Preface {
  const { accuracy } = preface.evidence;
  if (accuracy?.n === undefined || accuracy.n >= allCount) return preface;
  const how = `the first ${accuracy.n} of ${allCount}`;
  return { ...preface, evidence: { ...preface.evidence, accuracy: { kind: 'sampled', n: accuracy.n, how } } };
}
