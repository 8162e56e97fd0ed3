import { argmax } from '../../engine/numeric/vectors.js';
import { elementCountOf, type TensorValue, toFloat64 } from '../../onnx/tensorValue.js';
import type { Evidence, Finding } from '../../protocol/report.js';
import type { SettingsSchema } from '../../protocol/settings.js';
import { type AnalysisContext, defineAnalysis, type ReportDraft, type SettingsOf } from '../analysis.js';
import { UserError } from '../../base/errors.js';
import { chooseAnswerOutput } from '../shared/accuracy.js';
import { readValues } from './attribution/readValues.js';
import { chooseLayer, featureLayers, featuresAt } from './neighbours/layerFeatures.js';
import {
  accuracyOf,
  type EnvironmentVote,
  interpolate,
  type Interpolation,
  probabilitiesOf,
  votesByEnvironment,
  votesOn,
} from './neighbours/measure.js';
import {
  environmentTable,
  type LayerAccuracy,
  layerChart,
  mixtureChart,
  neighbourBlocks,
  type ShownQuery,
} from './neighbours/neighbourReport.js';
import { readVotingRows, type VotingRows, votingRowCount } from './neighbours/support.js';
import type { RowFeatures, Vote, Voting } from './neighbours/votes.js';

const settings = {
  method: {
    kind: 'choice',
    title: 'Method',
    description:
      'knn: the nearest k rows of the support set vote; nw-head: all of them, each with the softmax of its similarity.',
    default: 'knn',
    choices: ['knn', 'nw-head'],
  },
  layer: {
    kind: 'text',
    format: 'layer',
    title: 'Layer',
    description: 'Where rows are compared, each unit averaged over its positions; default the last but one.',
    default: null,
  },
  k: {
    kind: 'integer',
    title: 'Neighbours',
    description: 'How many rows vote.',
    default: 10,
    minimum: 1,
    maximum: 100_000,
    appliesWhen: { method: ['knn'] },
  },
  temperature: {
    kind: 'number',
    title: 'Temperature',
    description:
      'A row weighs exp(−distance / temperature); default 1 for nw-head, and all neighbours alike for knn.',
    default: null,
    minimum: 0,
    exclusive: true,
  },
  distance: {
    kind: 'choice',
    title: 'Distance',
    description: 'euclidean, or cosine: one minus the cosine, which leaves out how long features are.',
    default: 'euclidean',
    choices: ['euclidean', 'cosine'],
  },
  support: {
    kind: 'text',
    format: 'path',
    title: 'Support set',
    description:
      'Labelled data that vote, best the training data; default three quarters of the data, drawn with the seed.',
    default: null,
  },
  environments: {
    kind: 'text',
    title: 'Environments',
    description:
      'Name of an array in the support set’s .npz with the environment of each row, as a number: each votes alone beside all together.',
    default: null,
  },
} as const satisfies SettingsSchema;

type Settings = SettingsOf<typeof settings>;

/**
 * Nearest examples: the model’s prediction beside a vote of labelled rows that are near in its own features.
 *
 * p(c | x) = Σ w_i 1[y_i = c] / Σ w_i over the rows i of a support set: the nearest k for knn, all with w_i = exp(−d_i/τ) for
 * nw-head, whose weights are the explanation. Assumes that near features mean alike rows. A row is easy when the vote gives
 * its label a half or more. A layer whose vote is as good as the model already separates the classes; where the mixture beats
 * the model, examples know what the last layer forgot.
 *
 * Source: Jia, Chen, Wu, Cardie, Belongie & Lim (2021), "Rethinking Nearest Neighbors for Visual Classification",
 * https://arxiv.org/abs/2112.08459; Wang, Nguyen & Sabuncu (2023), "Learning Invariant Representations with a Nonparametric
 * Nadaraya-Watson Head", https://arxiv.org/abs/2309.13377. Differs: nothing is trained; the votes are on features as they are.
 */
export const nearestExamples = defineAnalysis({
  id: 'nearest-examples',
  question: 'prediction',
  title: 'Nearest examples',
  asks: 'Which known examples does the model see as like this one, and do they agree with it?',
  needs: { data: 'required', labels: 'required', gradients: false },
  settings,
  metrics: {
    voteAccuracy: {
      title: 'Accuracy of the vote',
      description: 'Share of rows whose label gets the most votes.',
    },
    modelAccuracy: { title: 'Accuracy of the model', description: 'On the same rows as the vote.' },
    mixedAccuracy: {
      title: 'Accuracy of the mixture',
      description: 'Of vote and model mixed, λ chosen on every other row and used on the rest, both ways.',
    },
    bestLambda: { title: 'Best λ', description: 'Weight of the vote in the best mixture, on all rows.' },
    easyShare: {
      title: 'Easy rows',
      description: 'Share of rows whose label gets a half of the votes or more.',
    },
    agreement: { title: 'Agreement', description: 'Share of rows for which vote and model name one class.' },
  },
  papers: [
    {
      id: 'jia2021',
      title: 'Rethinking Nearest Neighbors for Visual Classification',
      url: 'https://arxiv.org/abs/2112.08459',
      line: 47,
    },
    {
      id: 'wang2023',
      title: 'Learning Invariant Representations with a Nonparametric Nadaraya-Watson Head',
      url: 'https://arxiv.org/abs/2309.13377',
      line: 39,
    },
  ],
  rows: [
    {
      line: 47,
      limits:
        'Easy and hard rows are told apart after training, not weighed during it. Features are averaged over positions.',
    },
    {
      line: 39,
      settings: { method: 'nw-head' },
      limits:
        'The head is put on a trained model’s features; none is trained for it. Environments are an array of an .npz support set.',
    },
  ],
  cost(_, { sampleCount, limit, model }) {
    const count = Math.min(sampleCount, limit ?? votingRowCount);
    // A layer is read by itself: half of the model on average.
    return { passCount: count * (2 + featureLayers(model).length / 2), readCount: count };
  },
  run: (context, chosen) => examine(context, chosen),
});

interface Found {
  readonly rows: VotingRows;
  readonly layer: string;
  readonly votes: readonly Vote[];
  readonly model: readonly Float64Array[];
  readonly layers: readonly LayerAccuracy[];
  readonly mixed: Interpolation;
  readonly environments: readonly EnvironmentVote[];
}

async function examine(context: AnalysisContext, chosen: Settings): Promise<ReportDraft> {
  const rows = await readVotingRows(context, chosen);
  const all = featureLayers(context.model);
  const layer = chooseLayer(all, chosen.layer);
  const scores = await modelScores(context, rows);
  const classCount = Math.max(scores[0]?.length ?? 0, ...rows.labels.map((label) => label + 1));
  const labels = rows.labels.subarray(rows.queryCount);
  const voting = votingOf(chosen, labels, classCount);
  const layers: LayerAccuracy[] = [];
  let features: RowFeatures | undefined;
  for (const [index, each] of all.entries()) {
    const own = await featuresAt(context, rows.rows, each);
    if (each === layer) features = own;
    layers.push({ layer: each.name, accuracy: own === undefined ? NaN : accuracyAt(own, rows, voting) });
    context.progress({ fractionDone: (index + 1) / all.length, message: `${each.name}: votes counted` });
  }
  if (features === undefined) throw notByRow(layer.name);
  const [queries, support] = [features.slice(0, rows.queryCount), features.slice(rows.queryCount)];
  const votes = votesOn(queries, support, voting);
  const model = scores.slice(0, rows.queryCount).map(probabilitiesOf);
  const mixed = interpolate(
    votes.map(({ probabilities }) => probabilities),
    model,
    rows.labels,
  );
  const { environments } = rows;
  const byEnvironment =
    environments === undefined
      ? []
      : votesByEnvironment(queries, support, { voting, environments, queryLabels: rows.labels });
  return draftOf(context, chosen, {
    rows,
    layer: layer.name,
    votes,
    model,
    layers,
    mixed,
    environments: byEnvironment,
  });
}

function votingOf(
  { method, k, temperature, distance }: Settings,
  labels: Int32Array,
  classCount: number,
): Voting {
  const isHead = method === 'nw-head';
  return {
    labels,
    classCount,
    distance,
    k: isHead ? undefined : k,
    temperature: temperature ?? (isHead ? 1 : undefined),
  };
}

function accuracyAt(features: RowFeatures, { queryCount, labels }: VotingRows, voting: Voting): number {
  const votes = votesOn(features.slice(0, queryCount), features.slice(queryCount), voting);
  return accuracyOf(
    votes.map(({ probabilities }) => probabilities),
    labels,
  );
}

/** Scores `[rows][classes]` of the output that answers. */
async function modelScores(context: AnalysisContext, { rows }: VotingRows): Promise<Float64Array[]> {
  const names = context.model.graph.outputs.map(({ name }) => name);
  const values = await readValues(context, rows, names);
  const outputs: Record<string, TensorValue> = Object.fromEntries(values);
  const answer = outputs[chooseAnswerOutput(outputs, rows.count) ?? ''];
  const size = answer === undefined ? 0 : elementCountOf(answer.dims.slice(1));
  if (answer === undefined || size < 2) {
    throw new UserError(
      'no-scores',
      `None of the model's outputs (${names.join(', ')}) has a score for each class [N, C], so there is no prediction to vote beside.`,
      { detail: { outputs: names } },
    );
  }
  const elements = toFloat64(answer);
  return Array.from({ length: rows.count }, (_, row) => elements.slice(row * size, (row + 1) * size));
}

function notByRow(layer: string): UserError {
  return new UserError(
    'rows-not-first',
    `The values of layer ${layer} cannot be told apart by row. Set layer to another one.`,
    { detail: { layer } },
  );
}

const shownQueries = 6;

function draftOf(context: AnalysisContext, { method }: Settings, found: Found): ReportDraft {
  const { rows, layers, mixed, environments } = found;
  const evidence: Evidence = { kind: 'sampled', n: rows.queryCount, how: `votes of ${rows.origin}` };
  const metrics = metricsOf(found);
  return {
    title: 'Nearest examples',
    summary: summaryOf(found, method),
    usedCount: rows.rows.count,
    metrics,
    evidence: Object.fromEntries(Object.keys(metrics).map((key) => [key, evidence])),
    findings: findingsOf(found),
    arrays: arraysOf(found, evidence),
    blocks: [
      {
        type: 'metrics',
        items: [
          { metric: 'voteAccuracy', label: 'Vote', format: 'percent' },
          { metric: 'modelAccuracy', label: 'Model', format: 'percent' },
          { metric: 'mixedAccuracy', label: 'Mixed', format: 'percent' },
          { metric: 'easyShare', label: 'Easy rows', format: 'percent' },
        ],
      },
      { type: 'findings' },
      layerChart(layers, metrics.modelAccuracy),
      mixtureChart(mixed),
      ...(environments.length === 0 ? [] : [environmentTable(environments)]),
      ...neighbourBlocks(rows, shownOf(found), context.data?.labelNames),
      { type: 'citation', papers: [method === 'knn' ? 'jia2021' : 'wang2023'] },
    ],
    warnings: [...rows.rows.warnings, `The support set is ${rows.origin}.`],
  };
}

function summaryOf(found: Found, method: Settings['method']): string {
  const { voteAccuracy, modelAccuracy, agreement } = metricsOf(found);
  const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;
  const voters = method === 'knn' ? 'nearest rows' : 'whole support set by similarity';
  return `A vote of the ${voters} at ${found.layer} is right on ${percent(voteAccuracy)} of ${found.rows.queryCount.toLocaleString('en-US')} rows, the model on ${percent(modelAccuracy)}; they agree on ${percent(agreement)}.`;
}

/** Rows on which vote and model differ are read first. */
function shownOf(found: Found): ShownQuery[] {
  const { votes, model } = found;
  const order = [...votes.keys()].sort(
    (a, b) => Number(agrees(found, a)) - Number(agrees(found, b)) || a - b,
  );
  return order.slice(0, shownQueries).flatMap((query) => {
    const vote = votes[query];
    return vote === undefined ? [] : [{ query, vote, modelClass: argmax(model[query] ?? []) }];
  });
}

function arraysOf({ votes, model, layers }: Found, evidence: Evidence): ReportDraft['arrays'] {
  const ofVotes = (of: (vote: Vote) => ArrayLike<number>): ReportDraft['arrays'][string] =>
    matrix(
      votes.map((vote) => Float64Array.from(of(vote))),
      evidence,
    );
  return {
    vote: ofVotes(({ probabilities }) => probabilities),
    model: matrix(model, evidence),
    layerAccuracy: matrix([Float64Array.from(layers, ({ accuracy }) => accuracy)], evidence),
    nearest: ofVotes(({ neighbours }) => neighbours.map(({ support }) => support)),
    weights: ofVotes(({ neighbours }) => neighbours.map(({ weight }) => weight)),
  };
}

function matrix(rows: readonly Float64Array[], evidence: Evidence): ReportDraft['arrays'][string] {
  const data = Float64Array.from(rows.flatMap((row) => [...row]));
  return { value: { dtype: 'float64', dims: [rows.length, rows[0]?.length ?? 0], data }, evidence };
}

function agrees({ votes, model }: Found, row: number): boolean {
  return argmax(votes[row]?.probabilities ?? []) === argmax(model[row] ?? []);
}

function isEasy({ votes, rows }: Found, row: number): boolean {
  return (votes[row]?.probabilities[rows.labels[row] ?? -1] ?? 0) >= 0.5;
}

function metricsOf(found: Found) {
  const { rows, votes, model, mixed } = found;
  const all = [...votes.keys()];
  return {
    voteAccuracy: accuracyOf(
      votes.map(({ probabilities }) => probabilities),
      rows.labels,
    ),
    modelAccuracy: accuracyOf(model, rows.labels),
    mixedAccuracy: mixed.crossFitted,
    bestLambda: mixed.best,
    easyShare: all.filter((row) => isEasy(found, row)).length / all.length,
    agreement: all.filter((row) => agrees(found, row)).length / all.length,
  };
}

function findingsOf(found: Found): Finding[] {
  const { rows, votes, model } = found;
  const rightOn = (easy: boolean): string => {
    const own = [...votes.keys()].filter((row) => isEasy(found, row) === easy);
    const right = own.filter((row) => argmax(model[row] ?? []) === rows.labels[row]).length;
    return `${String(right)} of ${String(own.length)}`;
  };
  return [
    {
      severity: 'info',
      message: `The model is right on ${rightOn(true)} easy rows, and on ${rightOn(false)} hard ones, whose label gets less than half of the votes.`,
      advice: 'Look at the hard rows first: wrong labels and rare kinds are among them.',
    },
  ];
}
