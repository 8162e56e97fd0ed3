import { formatNumber } from '../protocol/formatReport.js';
import {
  accuracyPreface,
  type AnswerTally,
  chooseAnswerOutput,
  noAnswers,
  tallyAnswers,
} from '../analyses/shared/accuracy.js';
import type { Preface, ProgressUpdate } from '../analyses/analysis.js';
import type { Dataset } from '../data/dataset.js';
import type { SampleShapes } from '../data/sampleShapes.js';
import type { Runtime } from '../engine/runtime/session.js';
import type { Model } from '../onnx/model.js';
import { emptyPreface, sampledIfFewer } from './assembleReport.js';

/** The accuracy rests on at most this many samples: enough for ± 1 % at 95 %, and a share of a long sweep's time. */
export const maxAccuracySamples = 10_000;

/** What is measured before an analysis is measured with. */
export interface PrefaceRequest {
  readonly model: Model;
  readonly runtime: Runtime;
  readonly data: Dataset | undefined;
  readonly batchSize: number;
  readonly limit: number | undefined;
  readonly signal: AbortSignal;
  readonly sampleShapes: SampleShapes;
  /** Hears of this pass alone: 1 when it is done. */
  progress(update: ProgressUpdate): void;
}

/** Returns the model's own accuracy on labelled data, first in every report; an empty preface without labels. */
export async function measureAccuracy(request: PrefaceRequest): Promise<Preface> {
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
  return sampledIfFewer(accuracyPreface(tally), tally.sampleCount, data.sampleCount);
}
