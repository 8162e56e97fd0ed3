import type { Block, ChartBlock, TableBlock, TableColumn } from '../../../protocol/blocks.js';
import { toReportNumber } from '../../../protocol/reportNumbers.js';
import { barChart } from '../../shared/plainCharts.js';
import type { Expert } from './mixture.js';
import { askedConcepts, conditionsText, rulesOf, selectorText } from './rulesText.js';
import type { DistillationStudy, ShiftStudy } from './study.js';

/** Returns the blocks between findings and citation. */
export function distillationBlocks(
  study: DistillationStudy,
  labelNames: readonly string[] | undefined,
): Block[] {
  const { shift } = study;
  const nameOf = (label: number): string => labelNames?.[label] ?? `class ${String(label)}`;
  return [
    expertChart(study),
    ruleTable(study, { experts: study.experts, title: 'Rules', nameOf }),
    conceptTable(study),
    ...(shift === undefined
      ? []
      : [
          shiftChart(shift),
          ruleTable(study, {
            experts: shift.experts,
            title: 'Rules fitted again to the shifted data',
            nameOf,
          }),
        ]),
  ];
}

function expertName(index: number): string {
  return `Expert ${String(index + 1)}`;
}

function expertChart({ heldOut, experts }: DistillationStudy): ChartBlock {
  const rows = heldOut.experts.map(({ coverage, fidelity, rowCount }, index) => ({
    expert: expertName(index),
    coverage: toReportNumber(coverage),
    fidelity: toReportNumber(fidelity),
    rows: rowCount,
  }));
  const rest = { expert: 'The model itself', coverage: 1 - heldOut.coverage, fidelity: null, rows: null };
  return barChart({
    title: 'What each expert answers',
    alt: `Share of held-out rows that each of ${String(experts.length)} experts answers, and how often it gives the model’s answer; what is left stays with the model.`,
    name: { key: 'expert', label: 'Expert', kind: 'text' },
    series: [
      { key: 'coverage', label: 'Coverage', description: 'Share of the held-out rows that it answers.' },
      { key: 'fidelity', label: 'Fidelity', description: 'Of these, the share that get the model’s answer.' },
    ],
    rows: [...rows, rest],
    valueTitle: 'Share of held-out rows',
    format: 'percent',
    domain: [0, 1],
  });
}

const ruleColumns: TableColumn[] = [
  { key: 'expert', label: 'Expert', kind: 'text' },
  {
    key: 'where',
    label: 'Where it answers',
    kind: 'text',
    description: 'Its selector: rows of which this does not hold go on to the next expert.',
  },
  { key: 'rule', label: 'Rule', kind: 'text' },
  { key: 'class', label: 'Class', kind: 'text' },
  { key: 'fitted', label: 'Fitted rows', kind: 'count', description: 'Rows the rule was fitted to.' },
];

function ruleTable(
  { concepts }: DistillationStudy,
  {
    experts,
    title,
    nameOf,
  }: {
    readonly experts: readonly Expert[];
    readonly title: string;
    readonly nameOf: (label: number) => string;
  },
): TableBlock {
  return {
    type: 'table',
    title,
    columns: ruleColumns,
    rows: experts.flatMap(({ rules, selector }, index) =>
      rulesOf(rules).map((rule) => ({
        expert: expertName(index),
        where: selectorText(selector, concepts),
        rule: `${conditionsText(rule.conditions, concepts)} → ${nameOf(rule.class)}`,
        class: nameOf(rule.class),
        fitted: rule.fittedCount,
      })),
    ),
  };
}

function conceptTable({ concepts, experts }: DistillationStudy): TableBlock {
  const asked = askedConcepts(experts.flatMap(({ rules, selector }) => [rules, selector]));
  const isUnits = concepts.some(({ address }) => address !== undefined);
  return {
    type: 'table',
    title: 'Concepts that rules are about',
    columns: [
      { key: 'concept', label: 'Concept', kind: isUnits ? 'address' : 'text' },
      { key: 'rules', label: 'In the rules of', kind: 'text' },
      { key: 'selectors', label: 'In the selectors of', kind: 'text' },
    ],
    rows: asked.map((concept) => {
      const names = (treeOf: (expert: Expert) => Expert['rules']): string =>
        experts
          .flatMap((expert, index) =>
            askedConcepts([treeOf(expert)]).includes(concept) ? [expertName(index)] : [],
          )
          .join(', ');
      return {
        concept: concepts[concept]?.name ?? String(concept),
        rules: names(({ rules }) => rules),
        selectors: names(({ selector }) => selector),
      };
    }),
  };
}

function shiftChart({ before, after, accuracy }: ShiftStudy): ChartBlock {
  const withLabels = accuracy !== undefined;
  return barChart({
    title: 'On the shifted data',
    alt: 'How often the experts give the model’s answer on held-out shifted rows, as they were and fitted again to the answers that the model was sure of.',
    name: { key: 'when', label: 'Experts', kind: 'text' },
    series: [
      {
        key: 'fidelity',
        label: 'Fidelity',
        description: 'Of the rows that experts answer, the share that get the model’s answer.',
      },
      ...(withLabels
        ? [
            {
              key: 'accuracy',
              label: 'Accuracy',
              description: 'Of experts and model together, on the labels.',
            },
          ]
        : []),
    ],
    rows: [
      {
        when: 'as they were',
        fidelity: toReportNumber(before.fidelity),
        ...(withLabels ? { accuracy: accuracy.before } : {}),
      },
      {
        when: 'fitted again',
        fidelity: toReportNumber(after.fidelity),
        ...(withLabels ? { accuracy: accuracy.after } : {}),
      },
    ],
    valueTitle: 'Share of held-out shifted rows',
    format: 'percent',
    domain: [0, 1],
  });
}
