import type { TensorValue } from '../../../onnx/tensorValue.js';
import type { Block } from '../../../protocol/blocks.js';
import { formatNumber } from '../../../protocol/formatReport.js';
import type { Evidence, Finding } from '../../../protocol/report.js';
import { toReportNumber } from '../../../protocol/reportNumbers.js';
import type { ReportDraft, ResultArray } from '../../analysis.js';
import { priorWarnings } from '../../shared/descent/priorTerms.js';
import type { Canvas } from './canvas.js';
import { highestOf, ratioOf, visualizationBlocks } from './report.js';
import type { VisualizationSettings } from './settings.js';
import type { Visualization } from './visualize.js';

/** Returns what is known of the units so far. */
export function draftOf(
  canvas: Canvas,
  found: readonly Visualization[],
  settings: VisualizationSettings,
): ReportDraft {
  return {
    title: 'Feature visualization',
    summary: summaryOf(canvas, found),
    ...(canvas.comparedWith === 'samples' ? { usedCount: canvas.comparedCount } : {}),
    ...measuresOf(canvas, found),
    findings: findingsOf(canvas, found, settings),
    arrays: arraysOf(canvas, found, settings),
    blocks: blocksOf(canvas, found),
    warnings: [...canvas.warnings, ...priorWarnings(canvas.input, settings)],
  };
}

/** The metrics with their evidence, and why others are not there. */
function measuresOf(
  canvas: Canvas,
  found: readonly Visualization[],
): Pick<ReportDraft, 'metrics' | 'evidence'> {
  const { comparedWith, comparedCount } = canvas;
  const ratios = found.flatMap((each) => ratioOf(each) ?? []);
  const noRatio = 'none of the units is excited by what it was compared with';
  const known: readonly (readonly [string, number | string])[] = [
    ['unitCount', found.length],
    ['exceedingCount', exceedingCountOf(found)],
    [
      'meanRatio',
      ratios.length === 0 ? noRatio : ratios.reduce((sum, each) => sum + each, 0) / ratios.length,
    ],
    ['lowestRatio', ratios.length === 0 ? noRatio : Math.min(...ratios)],
    ['sampleCount', comparedWith === 'samples' ? comparedCount : 'no data were given'],
  ];
  const evidence = evidenceOf(canvas);
  return {
    metrics: Object.fromEntries(
      known.flatMap(([key, value]) => (typeof value === 'number' ? [[key, value]] : [])),
    ),
    evidence: Object.fromEntries(
      known.map(([key, value]) => [
        key,
        typeof value === 'number' ? evidence : { kind: 'not-captured', how: value },
      ]),
    ),
  };
}

function exceedingCountOf(found: readonly Visualization[]): number {
  return found.filter(({ reached, target }) => highestOf(reached) > target.best).length;
}

function blocksOf(canvas: Canvas, found: readonly Visualization[]): Block[] {
  const above = canvas.comparedWith === 'samples' ? 'Above the best sample' : 'Above noise';
  return [
    {
      type: 'metrics',
      items: [
        { metric: 'exceedingCount', label: above, format: 'count' },
        { metric: 'unitCount', label: 'Units', format: 'count' },
        { metric: 'meanRatio', label: 'Reached ÷ best' },
        { metric: 'lowestRatio', label: 'Lowest of a unit' },
        { metric: 'sampleCount', label: 'Samples', format: 'count' },
      ],
    },
    { type: 'findings', title: 'Findings' },
    ...visualizationBlocks(canvas, found),
    { type: 'markdown', title: 'How to read this', folded: true, text: reading },
    { type: 'citation', papers: ['nguyen2019', 'qin2018', 'olah2017'] },
  ];
}

const reading =
  'From noise, the input is moved step by step to where it excites the unit more, while priors keep it plausible: small (α-norm), smooth (total variation, blur, fourier), in the middle (centre), the same when it is moved a little (jitter, rotation, zoom). What the inputs from different starts share is what the unit needs; the rest is free. A unit whose best sample looks nothing like what was found may detect several things, or be driven in a way that no sample drives it. Pictures have one scale, the range of the input.';

function summaryOf(canvas: Canvas, found: readonly Visualization[]): string {
  const [first] = found;
  if (first === undefined) return 'Nothing was excited.';
  const best =
    canvas.comparedWith === 'samples'
      ? `the best of ${formatNumber(canvas.comparedCount, 'count')} samples`
      : 'the best input of noise';
  const number = (value: number): string => formatNumber(toReportNumber(value));
  const to = `${first.target.excited.name} to ${number(highestOf(first.reached))}`;
  const against = `${best} reaches ${number(first.target.best)}`;
  if (found.length === 1) return `An input found by gradient ascent excites ${to}; ${against}.`;
  const above = exceedingCountOf(found);
  return `Inputs found by gradient ascent excite ${String(above)} of ${String(found.length)} units more than ${best}: ${to}, where ${against}.`;
}

function findingsOf(
  canvas: Canvas,
  found: readonly Visualization[],
  { steps }: VisualizationSettings,
): Finding[] {
  const best = canvas.comparedWith === 'samples' ? 'best sample' : 'best noise';
  return found.flatMap(({ target, reached, trajectory }): Finding[] => {
    const { name, address } = target.excited;
    const highest = highestOf(reached);
    if (highest > target.best) return [];
    const isStill = trajectory.every((activations) => activations.every((value) => value === 0));
    if (isStill) {
      return [
        {
          severity: 'warning',
          address,
          message: `${name} is 0 wherever the ascent went, so no gradient leads on: what is shown follows the priors alone.`,
          advice:
            'Excite the layer in front of the activation, start from a sample (start), or look at dead-neurons.',
        },
      ];
    }
    return [
      {
        severity: 'warning',
        address,
        message: `After ${formatNumber(steps, 'count')} steps ${name} is excited to ${formatNumber(toReportNumber(highest))}, no more than by the ${best} (${formatNumber(toReportNumber(target.best))}).`,
        advice: 'Raise steps, change learningRate, lower the weights of the priors, or set range to free.',
      },
    ];
  });
}

function arraysOf(
  { input, range }: Canvas,
  found: readonly Visualization[],
  { steps }: VisualizationSettings,
): Record<string, ResultArray> {
  const arrays: Record<string, ResultArray> = {};
  const how = `ascent of ${formatNumber(steps, 'count')} steps`;
  for (const { target, z, reached, trajectory } of found) {
    const evidence: Evidence = { kind: 'measured', n: reached.length, how };
    const named = (name: string, value: TensorValue): void => {
      arrays[`${target.excited.name}.${name}`] = { value, evidence };
    };
    const dims = [reached.length, ...input.dims.slice(1)];
    named('visualization', { dtype: 'float32', dims, data: Float32Array.from(range.fromZ(z)) });
    named('activation', { dtype: 'float64', dims: [reached.length], data: reached });
    named('trajectory', {
      dtype: 'float64',
      dims: [trajectory.length, reached.length],
      data: Float64Array.from(trajectory.flatMap((values) => [...values])),
    });
  }
  return arrays;
}

function evidenceOf({ comparedWith, comparedCount, availableCount }: Canvas): Evidence {
  if (comparedWith === 'noise') {
    return { kind: 'sampled', n: comparedCount, how: `${String(comparedCount)} inputs of uniform noise` };
  }
  if (comparedCount >= availableCount) return { kind: 'measured', n: comparedCount };
  return {
    kind: 'sampled',
    n: comparedCount,
    how: `the first ${formatNumber(comparedCount, 'count')} of ${formatNumber(availableCount, 'count')} samples`,
  };
}
