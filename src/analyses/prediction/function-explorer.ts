import {
  type AnalysisContext,
  defineAnalysis,
  type ReportDraft,
  type RunCost,
  type Workload,
} from '../analysis.js';
import { marketingNetworks } from '../shared/papers.js';
import { featureCountOf } from './attribution/featureCount.js';
import { openContextFunction } from './explorer/contextFunction.js';
import { explorerRowCount, explorerSettings, type ExplorerSettings } from './explorer/explorerSettings.js';
import { growthReport } from './explorer/growthReport.js';
import { measureResponses } from './explorer/responseCurves.js';
import { responseReport } from './explorer/responseReport.js';
import { openSeries, seriesRowCount } from './explorer/series.js';
import { sliceReport } from './explorer/sliceReport.js';
import { sliceFunction } from './explorer/slices.js';
import { growTrainingSet } from './explorer/trainingSize.js';
import { UserError } from '../../base/errors.js';
import { openFunction } from './functions/openFunction.js';

/**
 * Function explorer: one number f of the model drawn as a function of its inputs.
 *
 * Individual curves are f(x with feature j set to v) for every row x, and the partial dependence is their mean over rows.
 * Assumes that a feature can be set while the others stay: where features hang together, parts of a curve lie where no data
 * are. Thin lines that run parallel mean that the feature acts alike everywhere; where they cross, the thick mean hides it.
 * For models that read their training set as an input, that is held and the rows to answer sweep; `training-size` draws
 * the function for growing parts of it. For channels over time, the response is the outcome with a channel multiplied, the
 * carry-over the effect of a small pulse so many steps later, the contribution the outcome less that with the channel off.
 *
 * Source: McCarter (2024), "What exactly has TabPFN learned to do?", https://arxiv.org/abs/2502.08978; Mulc, Anderson,
 * Cubre, Zhang, Liu & Kumar (2025), "NNN: Next-Generation Neural Networks for Marketing Measurement",
 * https://arxiv.org/abs/2504.06212. Differs: the ad-stock curve is measured by pulses on the model, not fitted to data.
 */
export const functionExplorer = defineAnalysis({
  id: 'function-explorer',
  question: 'prediction',
  title: 'Function explorer',
  asks: 'What function of its inputs has the model learned?',
  needs: { data: 'required', labels: 'optional', gradients: false },
  settings: explorerSettings,
  metrics: {
    sweptCount: { title: 'Swept features', description: 'Features that were drawn.' },
    largestRange: {
      title: 'Largest range',
      description: 'Largest minus smallest of a mean curve, over all swept features.',
    },
    largestHeterogeneity: {
      title: 'Largest heterogeneity',
      description: 'Share of the curves’ variance along a feature that their mean does not have, at most.',
    },
    trainCount: {
      title: 'Training rows',
      description: 'Rows of the training set that the model reads as an input.',
    },
    smallestDistance: {
      title: 'Distance at the fewest rows',
      description:
        'Root mean square distance of the function at the smallest training set from that of all rows.',
    },
    leftOutAccuracy: {
      title: 'Accuracy on rows left out',
      description: 'Of the training rows that were not given, at the largest size.',
    },
    channelCount: { title: 'Channels', description: 'Channels of the input.' },
    largestShare: {
      title: 'Largest share',
      description: 'Contribution of a channel to the outcome, at most.',
    },
    interactionShare: {
      title: 'Share that no channel has alone',
      description: 'What all channels together add to the outcome, less the sum of their own contributions.',
    },
    largestCarryOver: {
      title: 'Longest carry-over',
      description: 'Share of a channel’s effect that is left a step later, at most.',
    },
  },
  papers: [
    {
      id: 'mccarter2024',
      title: 'What exactly has TabPFN learned to do?',
      url: 'https://arxiv.org/abs/2502.08978',
      line: 113,
    },
    marketingNetworks,
    {
      id: 'friedman2001',
      title: 'Greedy function approximation: A gradient boosting machine.',
      url: 'https://doi.org/10.1214/aos/1013203451',
    },
    {
      id: 'goldstein2015',
      title:
        'Peeking Inside the Black Box: Visualizing Statistical Learning with Plots of Individual Conditional Expectation',
      url: 'https://arxiv.org/abs/1309.6392',
    },
  ],
  rows: [
    {
      line: 113,
      settings: { query: 'x_query' },
      limits:
        'A training set is one sample of the data: inputs carry a batch axis first, [N, T, F], [N, T] and [N, Q, F], the queries in an input of their own (query names it). Models that keep their training set elsewhere have to be exported so.',
    },
    {
      line: 69,
      settings: { view: 'response-curves' },
      limits:
        'Channels are numbers over time; the paper’s embeddings of creatives and searches are seen as channels of their own. Contributions are counterfactuals of the model, each channel off by itself, and need not add up; the rest is given.',
    },
  ],
  cost: (settings, workload) => costOf(settings, workload),
  run: (context, settings) => explore(context, settings),
});

async function explore(context: AnalysisContext, settings: ExplorerSettings): Promise<ReportDraft> {
  const { view, query } = settings;
  if (view === 'response-curves') return exploreChannels(context, settings);
  if (query === null) {
    if (view === 'slices') return exploreSlices(context, settings);
    throw new UserError(
      'query-missing',
      'view=training-size is for models that read their training set as an input. Set query to the name of the input with the rows to answer.',
    );
  }
  const f = await openContextFunction(context, settings, query);
  try {
    const draft =
      view === 'slices'
        ? sliceReport(f, await sliceFunction(f, settings))
        : growthReport(f, await growTrainingSet(f, settings, context.random), settings.repeats);
    // All of it rests on one training set.
    return { ...withMissing(draft, view), usedCount: 1 };
  } finally {
    await f.close();
  }
}

async function exploreSlices(context: AnalysisContext, settings: ExplorerSettings): Promise<ReportDraft> {
  const f = await openFunction(context, settings, { defaultRowCount: explorerRowCount, explain: 'output' });
  try {
    return withMissing(sliceReport(f, await sliceFunction(f, settings)), 'slices');
  } finally {
    await f.close();
  }
}

async function exploreChannels(context: AnalysisContext, settings: ExplorerSettings): Promise<ReportDraft> {
  const model = await openSeries(context, settings);
  try {
    const found = await measureResponses(model, settings);
    return withMissing(responseReport(model, found, settings), 'response-curves');
  } finally {
    await model.close();
  }
}

/** Says of the metrics of the other views why they are not there. */
function withMissing(draft: ReportDraft, view: ExplorerSettings['view']): ReportDraft {
  const missing = Object.keys(functionExplorer.metrics).filter((key) => !(key in draft.evidence));
  const why = { kind: 'not-captured', how: `view=${view} does not measure it` } as const;
  return {
    ...draft,
    evidence: { ...draft.evidence, ...Object.fromEntries(missing.map((key) => [key, why])) },
  };
}

function costOf(settings: ExplorerSettings, workload: Workload): RunCost {
  const { view, query, gridSize } = settings;
  const rowCount = (most: number): number => Math.min(workload.sampleCount, workload.limit ?? most);
  if (view === 'response-curves') {
    const count = rowCount(seriesRowCount);
    const dims = Object.values(workload.sampleShapes).find((shape) => shape.length === 2) ?? [1, 1];
    // Which of the two axes is time is not known here: the longer one, as a rule.
    const [channels, steps] = [Math.min(...dims), Math.max(...dims)];
    const lags = settings.lags ?? Math.ceil(steps / 2);
    return { passCount: count * (3 + channels * (2 + gridSize + lags)), readCount: count };
  }
  if (query !== null) {
    // Points are queries of one sample, of which a run answers a thousand.
    const curves = view === 'slices' ? 8 : settings.repeats * 4;
    return { passCount: 6 + curves * gridSize * 0.05, readCount: 1 };
  }
  const count = rowCount(explorerRowCount);
  const featureCount = featureCountOf(settings, workload);
  const screened = featureCount > 4 ? 3 * featureCount : 0;
  const side = Math.min(25, gridSize);
  return {
    passCount: count * (4 + screened + Math.min(4, featureCount) * gridSize + side * side),
    readCount: count,
  };
}
