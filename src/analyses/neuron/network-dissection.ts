import { formatNumber } from '../../protocol/formatReport.js';
import { UserError } from '../../base/errors.js';
import type { Dataset } from '../../data/dataset.js';
import { holdsImages } from '../../protocol/dataKinds.js';
import type { Block } from '../../protocol/blocks.js';
import type { Evidence } from '../../protocol/report.js';
import type { SettingsSchema } from '../../protocol/settings.js';
import { type AnalysisContext, defineAnalysis, type ReportDraft, type SettingsOf } from '../analysis.js';
import { sampleTotalOf } from '../shared/sweep.js';
import { type Concepts, labelConcepts } from './dissection/concepts.js';
import { exampleOverlay } from './dissection/examples.js';
import { type Dissection, dissectionArrays, figuresOf } from './dissection/figures.js';
import {
  countOverlaps,
  type DissectionRequest,
  findThresholds,
  type ThresholdPass,
} from './dissection/measure.js';
import { readConcepts } from './dissection/readConcepts.js';
import { findingsOf } from './dissection/findings.js';
import { blocksOf, shownUnits, summaryOf } from './dissection/report.js';
import { planUnitMaps, type UnitMapPlan } from './dissection/unitMaps.js';
import { cnnVisualisationSurvey } from '../shared/papers.js';

const settings = {
  layer: {
    kind: 'text',
    format: 'layer',
    title: 'Layer',
    description: 'Layer whose units are dissected; default the last one with positions.',
    default: null,
  },
  concepts: {
    kind: 'text',
    format: 'path',
    title: 'Concept masks',
    description:
      'An .npz with an array for each concept, [N, H, W] of 0 and 1 in the order of the samples ([N] where it holds for whole samples), or one array of class numbers, 0 being none. Default: the classes of the data, each marked on its whole samples.',
    default: null,
  },
  conceptNames: {
    kind: 'text',
    title: 'Names of classes',
    description: 'Names of the classes 1, 2, … of one array of class numbers, separated by commas.',
    default: null,
  },
  quantile: {
    kind: 'number',
    title: 'Top quantile',
    description:
      'Share of a unit’s activations, over all positions and samples, that are above its threshold. Raise it for concepts that cover much of the samples.',
    default: 0.005,
    minimum: 0,
    maximum: 0.5,
    exclusive: true,
  },
  minimumIou: {
    kind: 'number',
    title: 'Bar for detectors',
    description: 'A unit is a detector of its best concept where their IoU is above this.',
    default: 0.04,
    minimum: 0,
    maximum: 1,
  },
  topExamples: {
    kind: 'integer',
    title: 'Examples',
    description: 'Samples shown for each of the best detectors, those with its largest activations.',
    default: 4,
    minimum: 1,
    maximum: 20,
  },
} as const satisfies SettingsSchema;

type Settings = SettingsOf<typeof settings>;

/**
 * Network dissection: IoU(k, c) = Σ_x |M_k(x) ∩ L_c(x)| / Σ_x |M_k(x) ∪ L_c(x)|, where M_k is unit k's map, enlarged bilinearly to
 * the masks' size, above its threshold T_k with P(a_k > T_k) = q over all positions and samples, and L_c the mask of concept c.
 *
 * It assumes that what a unit responds to most strongly is what it detects, and that it lies where the unit fires. High: the
 * unit marks the concept's places and few others. Low: it detects something without a mask here, a part of a concept, or
 * nothing a person has a word for; units that share a concept between them each have a low IoU too. Caveat: no IoU is above
 * the ratio of the two areas, so that concepts much larger than q of the positions cannot be found.
 *
 * Source: Bau, Zhou, Khosla, Oliva & Torralba (2017), "Network Dissection: Quantifying Interpretability of Deep Visual
 * Representations", https://arxiv.org/abs/1704.05796. Differs: positions *above* the threshold count (a rectifier's zeros are
 * equal to it), maps are enlarged by their grid and not by receptive fields, and all samples count for every concept.
 */
export const networkDissection = defineAnalysis({
  id: 'network-dissection',
  question: 'neuron',
  title: 'Network dissection',
  asks: 'Which concepts do the units of this layer detect?',
  needs: { data: 'required', labels: 'optional', gradients: false },
  settings,
  metrics: {
    detectorCount: {
      title: 'Detectors',
      description: 'Units whose best IoU with a concept is above the bar.',
    },
    uniqueDetectorCount: {
      title: 'Concepts detected',
      description: 'Concepts that at least one unit detects.',
    },
    unitCount: { title: 'Units', description: 'Units of the layer.' },
    conceptCount: { title: 'Concepts', description: 'Concepts that there are masks of.' },
    bestIou: { title: 'Best IoU', description: 'Largest IoU of a unit with a concept.' },
    meanBestIou: {
      title: 'Mean best IoU',
      description: 'Mean over units of the IoU with their best concept.',
    },
    sampleCount: { title: 'Samples', description: 'Samples that were run.' },
  },
  papers: [
    {
      id: 'bau2017',
      title: 'Network Dissection: Quantifying Interpretability of Deep Visual Representations',
      url: 'https://arxiv.org/abs/1704.05796',
    },
    cnnVisualisationSurvey,
  ],
  rows: [
    {
      line: 93,
      settings: { concepts: 'masks.npz' },
      limits:
        'Dissection here, one layer a run; masks come with the data (there is no Broden data set here), and all samples count for every concept.',
    },
  ],
  cost: (_settings, { sampleCount }) => ({ passCount: 2 * sampleCount, readCount: 2 * sampleCount }),
  async run(context, chosen) {
    const { data } = context;
    if (data === undefined) throw new Error('The runner starts no analysis without the data it needs.');
    if (chosen.concepts === null && !data.hasLabels) throw noConcepts(data);
    const plan = await planUnitMaps(context, data, chosen.layer);
    const request = requestOf(context, data, plan);
    const inFile = await conceptsInFile(request, chosen);
    const pass = await findThresholds(request(0, 'Thresholds'), {
      quantile: chosen.quantile,
      topCount: chosen.topExamples,
    });
    const concepts = inFile ?? labelConcepts(pass.labels ?? new Int32Array(), data.labelNames);
    const facts = { plan, pass, concepts, minimumIou: chosen.minimumIou };
    const counting = request(0.5, 'Overlaps');
    const { thresholds } = pass;
    const overlaps = await countOverlaps(counting, { thresholds, concepts }, (known, sampleCount) => {
      context.partial(() =>
        draftOf({ ...facts, overlaps: known, sampleCount }, { data, chosen, examples: [] }),
      );
    });
    const dissection: Dissection = { ...facts, overlaps, sampleCount: pass.sampleCount };
    const examples = await exampleOverlay({ ...request(1, 'Examples'), model: context.model }, pass, {
      units: shownUnits(dissection, figuresOf(dissection)),
      dims: concepts.dims ?? plan.dims,
    });
    return draftOf(dissection, { data, chosen, examples: examples === undefined ? [] : [examples] });
  },
});

type RequestOf = (start: number, what: string) => DissectionRequest;

/** Returns a request for each pass; two passes share the progress bar. */
function requestOf(context: AnalysisContext, data: Dataset, plan: UnitMapPlan): RequestOf {
  const { runtime, batchSize, signal } = context;
  const sampleTotal = sampleTotalOf({ data, limit: context.limit });
  return (start, what) => ({
    plan,
    data,
    runtime,
    batchSize,
    signal,
    sampleTotal,
    onBatch: (sampleCount) => {
      context.progress({
        fractionDone: Math.min(1, start + (0.5 * sampleCount) / Math.max(1, sampleTotal)),
        message: `${what} (${formatNumber(sampleCount, 'count')} of ${formatNumber(sampleTotal, 'count')} samples)`,
      });
    },
  });
}

async function conceptsInFile(request: RequestOf, chosen: Settings): Promise<Concepts | undefined> {
  const { plan, data, sampleTotal, signal } = request(0, 'Masks');
  const { concepts: path, conceptNames } = chosen;
  if (path === null) return undefined;
  const names = conceptNames?.split(',').map((name) => name.trim());
  if (names?.includes('') === true) {
    throw new UserError(
      'concept-names',
      `conceptNames=${String(conceptNames)} has an empty name. Separate names by one comma.`,
    );
  }
  const { sampleCount } = data;
  return readConcepts({ path, names, sampleCount, usedCount: sampleTotal, mapDims: plan.dims, signal });
}

interface DraftFacts {
  readonly data: Dataset;
  readonly chosen: Settings;
  readonly examples: readonly Block[];
}

function draftOf(dissection: Dissection, { data, chosen, examples }: DraftFacts): ReportDraft {
  const { plan, pass, concepts, sampleCount } = dissection;
  const figures = figuresOf(dissection);
  const { units, detectors, detectorCounts } = figures;
  const noun = holdsImages(data.kind) ? 'image' : 'sample';
  const samples = `${sampleCount.toLocaleString('en')} ${noun}${sampleCount === 1 ? '' : 's'}`;
  const evidence = evidenceOf(sampleCount, data);
  const metrics = {
    detectorCount: detectors.length,
    uniqueDetectorCount: detectorCounts.filter((count) => count > 0).length,
    unitCount: plan.unitCount,
    conceptCount: concepts.names.length,
    bestIou: units[0]?.iou ?? 0,
    meanBestIou: units.reduce((sum, { iou }) => sum + iou, 0) / plan.unitCount,
    sampleCount,
  };
  return {
    title: 'Network dissection',
    summary: summaryOf(dissection, figures, samples),
    metrics,
    evidence: Object.fromEntries(Object.keys(metrics).map((metric) => [metric, evidence])),
    findings: findingsOf(dissection, figures, chosen.quantile),
    arrays: dissectionArrays(dissection, figures, evidence),
    blocks: blocksOf(dissection, figures, { examples, quantile: chosen.quantile }),
    warnings: [...plan.warnings, ...labelWarnings(concepts, pass)],
  };
}

function evidenceOf(sampleCount: number, data: Dataset): Evidence {
  if (sampleCount >= data.sampleCount) return { kind: 'measured', n: sampleCount };
  const how = `the first ${formatNumber(sampleCount, 'count')} of ${formatNumber(data.sampleCount, 'count')} samples`;
  return { kind: 'sampled', n: sampleCount, how };
}

function labelWarnings({ areLabels }: Concepts, { labels }: ThresholdPass): string[] {
  if (!areLabels) return [];
  const unlabelled = labels?.filter((label) => label < 0).length ?? 0;
  return [
    'No concept masks were given: each class of the data stands for a concept that is marked on all of its samples’ positions.',
    ...(unlabelled === 0
      ? []
      : [`${unlabelled.toLocaleString('en')} samples have no label and show no concept.`]),
  ];
}

function noConcepts({ path }: Dataset): UserError {
  return new UserError(
    'concepts-missing',
    `There is nothing to compare units with: ${path} has no labels, and no concept masks were given. Set concepts to an .npz with an array of masks, [N, H, W] of 0 and 1, for each concept.`,
    { detail: { path } },
  );
}
