import { float32Tensor } from '../../onnx/tensorValue.js';
import { formatNumber } from '../../protocol/formatReport.js';
import type { Evidence, Finding } from '../../protocol/report.js';
import { type AnalysisContext, defineAnalysis, type ReportDraft, type ResultArray } from '../analysis.js';
import { distillationBlocks } from './distillation/report.js';
import { rulesOf } from './distillation/rulesText.js';
import {
  type DistillationSettings,
  distillationSettings,
  distilledRowCount,
} from './distillation/settings.js';
import { type DistillationStudy, studyDistillation } from './distillation/study.js';

/**
 * Interpretable experts: the model's answers as a few short rules about its own concepts, each for a part of the data.
 *
 * Concepts are the units of a layer or the columns of a table. Expert k is a shallow tree on them, fitted to the answers of the
 * model; its selector is a shallow tree on where the two agree, and takes the parts in which they do. What it passes on goes to
 * expert k + 1, the rest stays with the model. Coverage and fidelity are of rows that nothing was fitted to: a high fidelity at
 * a low coverage says that rules hold somewhere and are not the whole model. Assumes that concepts are read one by one; what
 * a layer says by directions across units takes many rules. Caveat: other rules may do as well.
 *
 * On shifted data the concepts of every rule stay and its thresholds are fitted again, to the answers that the model gives with
 * at least the confidence set (pseudo-labels).
 *
 * Source: Ghosh, Yu & Batmanghelich (2023), "Distilling BlackBox to Interpretable models for Efficient Transfer Learning",
 * https://arxiv.org/abs/2305.17303. Differs: experts and selectors are trees fitted in turn, not networks trained together;
 * concepts are those that the model has, not learned from labels of concepts; selectors stay on shifted data.
 */
export const distillInterpretable = defineAnalysis({
  id: 'distill-interpretable',
  question: 'prediction',
  title: 'Interpretable experts',
  asks: 'Which short rules does the model follow, and for which part of the data?',
  needs: { data: 'required', labels: 'optional', gradients: false },
  settings: distillationSettings,
  metrics: {
    coverage: { title: 'Coverage', description: 'Share of held-out rows that an expert answers.' },
    fidelity: {
      title: 'Fidelity',
      description: 'Of the held-out rows that experts answer, the share that get the model’s answer.',
    },
    expertCount: { title: 'Experts', description: 'Experts that were found.' },
    ruleCount: { title: 'Rules', description: 'Rules of all experts together.' },
    mixtureAccuracy: {
      title: 'Accuracy of experts and model',
      description: 'On the labels of held-out rows, the model answering what experts pass on.',
    },
    modelAccuracy: { title: 'Accuracy of the model', description: 'On the labels of the same rows.' },
    shiftedFidelity: {
      title: 'Fidelity on shifted data',
      description: 'Of the experts as they were, on held-out shifted rows that they answer.',
    },
    refitFidelity: {
      title: 'Fidelity after fitting again',
      description: 'Of the experts fitted again to pseudo-labels, on the same rows.',
    },
  },
  papers: [
    {
      id: 'ghosh2023',
      title: 'Distilling BlackBox to Interpretable models for Efficient Transfer Learning',
      url: 'https://arxiv.org/abs/2305.17303',
      line: 99,
    },
  ],
  rows: [
    {
      line: 99,
      limits:
        'Experts are logic rules from shallow trees, no logistic ones; concepts are units or columns, not learned from concept labels. On shifted data thresholds are fitted again and selectors are not.',
    },
  ],
  cost({ shifted }, { sampleCount, limit }) {
    const count = Math.min(sampleCount, limit ?? distilledRowCount);
    return { passCount: count * (shifted === null ? 3 : 6), readCount: count };
  },
  run: async (context, chosen) => draftOf(context, await studyDistillation(context, chosen), chosen),
});

function draftOf(
  { data }: AnalysisContext,
  study: DistillationStudy,
  chosen: DistillationSettings,
): ReportDraft {
  const { heldOut } = study;
  const metrics = metricsOf(study);
  return {
    title: 'Interpretable experts',
    summary: summaryOf(study),
    usedCount: study.rows.count,
    metrics,
    evidence: evidenceOf(study, metrics),
    findings: findingsOf(study, chosen),
    arrays: arraysOf(study),
    blocks: [
      {
        type: 'metrics',
        items: [
          { metric: 'coverage', label: 'Coverage', format: 'percent' },
          ...(Number.isNaN(heldOut.fidelity)
            ? []
            : [{ metric: 'fidelity', label: 'Fidelity', format: 'percent' } as const]),
          { metric: 'expertCount', label: 'Experts', format: 'count' },
          { metric: 'ruleCount', label: 'Rules', format: 'count' },
          ...(metrics['refitFidelity'] === undefined
            ? []
            : [{ metric: 'refitFidelity', label: 'Shifted, fitted again', format: 'percent' } as const]),
        ],
      },
      { type: 'findings' },
      ...distillationBlocks(study, data?.labelNames),
      { type: 'citation', papers: ['ghosh2023'] },
    ],
    warnings: warningsOf(study),
  };
}

function warningsOf({ rows, where, fittedCount, heldOut, shift }: DistillationStudy): string[] {
  return [
    ...rows.warnings,
    `Concepts: ${where}. Experts were fitted to ${fittedCount.toLocaleString('en-US')} rows and measured on ${heldOut.rowCount.toLocaleString('en-US')} others.`,
    ...(shift === undefined
      ? []
      : [
          `Of ${shift.rowCount.toLocaleString('en-US')} shifted rows, ${shift.pseudoLabelCount.toLocaleString('en-US')} answers of the model stood as labels.`,
        ]),
  ];
}

function metricsOf({ heldOut, experts, accuracy, shift }: DistillationStudy): Record<string, number> {
  const known: Record<string, number | undefined> = {
    coverage: heldOut.coverage,
    fidelity: heldOut.fidelity,
    expertCount: experts.length,
    ruleCount: experts.reduce((sum, { rules }) => sum + rulesOf(rules).length, 0),
    mixtureAccuracy: accuracy?.mixture,
    modelAccuracy: accuracy?.model,
    shiftedFidelity: shift?.before.fidelity,
    refitFidelity: shift?.after.fidelity,
  };
  return Object.fromEntries(
    Object.entries(known).flatMap(([key, value]) =>
      value === undefined || Number.isNaN(value) ? [] : [[key, value] as const],
    ),
  );
}

function evidenceOf(
  { heldOut, shift, accuracy }: DistillationStudy,
  metrics: Readonly<Record<string, number>>,
): Record<string, Evidence> {
  const held: Evidence = { kind: 'sampled', n: heldOut.rowCount, how: 'rows held out from fitting' };
  const shifted: Evidence = { kind: 'sampled', n: shift?.after.rowCount ?? 0, how: 'shifted rows held out' };
  const noShift = shift === undefined ? 'shifted is not set' : 'no expert answers a shifted row';
  const why: Record<string, string> = {
    fidelity: 'no expert answers a held-out row',
    mixtureAccuracy: accuracy === undefined ? 'the data have no labels' : '',
    modelAccuracy: accuracy === undefined ? 'the data have no labels' : '',
    shiftedFidelity: noShift,
    refitFidelity: noShift,
  };
  return Object.fromEntries(
    Object.keys(distillInterpretable.metrics).map((key): [string, Evidence] => {
      if (metrics[key] === undefined) return [key, { kind: 'not-captured', how: why[key] ?? '' }];
      return [key, key === 'shiftedFidelity' || key === 'refitFidelity' ? shifted : held];
    }),
  );
}

function summaryOf({ heldOut, experts, where, shift }: DistillationStudy): string {
  if (experts.length === 0) {
    return `No short rules about ${where} agree with the model often enough on any part of the data.`;
  }
  const ruleCount = experts.reduce((sum, { rules }) => sum + rulesOf(rules).length, 0);
  const fidelity = Number.isNaN(heldOut.fidelity)
    ? ''
    : ` and give the model’s answer on ${formatNumber(heldOut.fidelity, 'percent')} of them`;
  const shifted =
    shift === undefined || Number.isNaN(shift.after.fidelity)
      ? ''
      : `; on the shifted data ${formatNumber(shift.before.fidelity, 'percent')}, fitted again ${formatNumber(shift.after.fidelity, 'percent')}`;
  return `${String(experts.length)} ${experts.length === 1 ? 'expert' : 'experts'} with ${String(ruleCount)} rules about ${where} answer ${formatNumber(heldOut.coverage, 'percent')} of held-out rows${fidelity}${shifted}.`;
}

function arraysOf({ heldOut }: DistillationStudy): Record<string, ResultArray> {
  const evidence: Evidence = { kind: 'sampled', n: heldOut.rowCount, how: 'rows held out from fitting' };
  const vector = (values: readonly number[]): ResultArray => ({
    value: float32Tensor(Float32Array.from(values), [values.length]),
    evidence,
  });
  return {
    heldOutExpert: vector(heldOut.routed.map(({ expert }) => expert)),
    heldOutClass: vector(heldOut.routed.map((routed) => routed.class)),
    expertCoverage: vector(heldOut.experts.map(({ coverage }) => coverage)),
    expertFidelity: vector(heldOut.experts.map(({ fidelity }) => fidelity)),
  };
}

function findingsOf(
  { heldOut, experts, shift }: DistillationStudy,
  { agreement }: DistillationSettings,
): Finding[] {
  const findings: Finding[] = [];
  if (experts.length === 0 || heldOut.coverage < 0.5) {
    findings.push({
      severity: 'info',
      message: `Rules cover ${formatNumber(heldOut.coverage, 'percent')} of held-out rows: most of the model is not said by them.`,
      advice: 'Try a later layer, one condition more (depth), or a lower agreement.',
    });
  }
  if (heldOut.fidelity < agreement - 0.1) {
    findings.push({
      severity: 'warning',
      message: `On held-out rows experts agree with the model on ${formatNumber(heldOut.fidelity, 'percent')}, less than the ${formatNumber(agreement, 'percent')} they were fitted to.`,
      advice: 'The rules follow the rows and not the model: give more rows, or fewer conditions.',
    });
  }
  if (shift !== undefined && shift.after.fidelity > shift.before.fidelity + 0.05) {
    findings.push({
      severity: 'info',
      message: `Fitted again, the same concepts give the model’s answer on ${formatNumber(shift.after.fidelity, 'percent')} of the shifted rows, against ${formatNumber(shift.before.fidelity, 'percent')} before.`,
      advice:
        'The rules are right about what matters and wrong about where to cut: compare the two tables of rules.',
    });
  }
  return findings;
}
