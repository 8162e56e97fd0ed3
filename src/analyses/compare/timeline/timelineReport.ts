import { curveFamilies } from '../../../engine/numeric/curves/curveFamilies.js';
import type { Block, TableCell, TableColumn } from '../../../protocol/blocks.js';
import { formatNumber, type NumberFormat } from '../../../protocol/formatReport.js';
import { toReportNumber } from '../../../protocol/reportNumbers.js';
import type { Evidence, Finding } from '../../../protocol/report.js';
import type { DraftPart, MetricDeclaration, ReportDraft, ResultArray } from '../../analysis.js';
import { commonMetrics } from '../../shared/commonMetrics.js';
import {
  courseChart,
  fittedPeak,
  fitTable,
  openText,
  quantityColumn,
  quantityFactor,
} from '../../shared/courseBlocks.js';
import { type Answers, isConstant, type MetricCourse, metricCourses, timesOf } from './course.js';
import type { TimelineQuestion } from './question.js';
import type { TimelineChoices } from './settings.js';

/** Metrics of the timeline itself. */
export const timelineMetrics = {
  checkpointCount: { title: 'Checkpoints', description: 'Checkpoints that were measured.' },
  failedCount: { title: 'Failed', description: 'Checkpoints that could not be measured.' },
  firstValue: {
    title: 'First value',
    description: 'Of the first metric asked for, at the first checkpoint.',
  },
  lastValue: { title: 'Last value', description: 'Of that metric, at the last checkpoint.' },
  fitRSquared: { title: 'R² of the fit', description: 'Of the curve that is drawn through that metric.' },
  peakStep: {
    title: 'Peak',
    description: 'Time at which the emergence curve fitted to that metric is at its extreme.',
  },
} as const satisfies Record<string, MetricDeclaration>;

/** What a report of a timeline is made of. */
export interface Timeline {
  readonly question: TimelineQuestion;
  readonly answers: Answers;
  readonly chosen: TimelineChoices;
}

/** A timeline with what is worked out of it. */
interface Study extends Timeline {
  readonly courses: readonly MetricCourse[];
  /** Those that change, or were asked for by name. */
  readonly shown: readonly MetricCourse[];
  readonly main: MetricCourse | undefined;
}

/** Returns the report of the checkpoints that were measured so far. */
export function timelineDraft(timeline: Timeline): ReportDraft {
  const { question, answers, chosen } = timeline;
  const courses = metricCourses(answers, question.metrics, chosen);
  const changing = courses.filter((course) => !isConstant(course));
  const shown = question.metrics === undefined && changing.length > 0 ? changing : courses;
  const study: Study = { ...timeline, courses, shown, main: shown[0] };
  const parts = answers.flatMap(({ value }) => value ?? []);
  const isCut = parts.some(({ draft }) => draft.status === 'partial') || parts.length < answers.length;
  return {
    title: `${question.analysis.title} over checkpoints`,
    summary: summaryOf(study),
    ...(isCut ? { status: 'partial' as const } : {}),
    ...numbersOf(study),
    findings: findingsOf(study),
    arrays: arraysOf(study),
    blocks: blocksOf(study),
    warnings: [...new Set(parts.flatMap(({ draft }) => draft.warnings))],
    parts,
  };
}

function measuredCount({ answers }: Timeline): number {
  return answers.filter(({ value }) => value !== undefined).length;
}

/** First and last finite value with their steps. */
function endsOf({ answers, chosen }: Timeline, { values }: MetricCourse): { time: number; value: number }[] {
  const times = timesOf(answers, chosen.tokensPerStep);
  const known = values.flatMap((value, i) => (Number.isNaN(value) ? [] : [{ time: times[i] ?? NaN, value }]));
  return [known[0], known.at(-1)].flatMap((end) => end ?? []);
}

function summaryOf(study: Study): string {
  const { main, answers, chosen } = study;
  const count = measuredCount(study);
  const failed = answers.length - count;
  const rest = failed === 0 ? '' : ` ${String(failed)} of ${String(answers.length)} could not be measured.`;
  const [first, last] = main === undefined ? [] : endsOf(study, main);
  if (main === undefined || first === undefined || last === undefined) {
    return `No metric was measured at ${String(count)} checkpoints.${rest}`;
  }
  const format = formatOf(study, main.metric);
  const say = (value: number): string => formatNumber(toReportNumber(value), format);
  const unit = chosen.tokensPerStep === null ? 'step' : 'token';
  const label = labelOf(study, main.metric);
  if (count === 1) {
    return `${label}: ${say(last.value)} at ${unit} ${formatNumber(last.time, 'count')}.${rest}`;
  }
  const course = isConstant(main)
    ? `stayed at ${say(last.value)}`
    : `went from ${say(first.value)} at ${unit} ${formatNumber(first.time, 'count')} to ${say(last.value)} at ${unit} ${formatNumber(last.time, 'count')}`;
  const fitted =
    main.best === undefined
      ? ''
      : `; ${curveFamilies[main.best.name].formula} fits it with R² = ${main.best.rSquared.toFixed(4)}${openText(main.best)}`;
  return `${label} ${course} over ${String(count)} checkpoints${fitted}.${rest}`;
}

function numbersOf(study: Study): Pick<ReportDraft, 'metrics' | 'evidence'> {
  const { answers, main } = study;
  const count = measuredCount(study);
  const [first, last] = main === undefined ? [] : endsOf(study, main);
  const peak = main?.best?.name === 'emergence' ? fittedPeak(main.best) : undefined;
  const known: Record<string, number | string> = {
    checkpointCount: count,
    failedCount: answers.length - count,
    firstValue: first?.value ?? 'no checkpoint has a metric',
    lastValue: last?.value ?? 'no checkpoint has a metric',
    fitRSquared: main?.best?.rSquared ?? whyNotFitted(study),
    peakStep: peak?.peak ?? 'no emergence curve was fitted',
  };
  const how = `${main?.metric ?? ''} at ${formatNumber(count, 'count')} checkpoints`;
  const metrics: Record<string, number> = {};
  const evidence: Record<string, Evidence> = {};
  for (const [key, value] of Object.entries(known)) {
    if (typeof value === 'string') {
      evidence[key] = { kind: 'not-captured', how: value };
    } else {
      metrics[key] = value;
      evidence[key] = key.endsWith('Count') ? { kind: 'measured' } : { kind: 'measured', how };
    }
  }
  if (peak !== undefined) evidence['peakStep'] = peak.evidence;
  return { metrics, evidence };
}

function whyNotFitted({ main, chosen }: Study): string {
  if (chosen.fit === 'none') return 'no curve was asked for';
  return [...(main?.fits.values() ?? [])].find((fit) => typeof fit === 'string') ?? 'no curve was fitted';
}

function findingsOf({ answers, shown }: Study): Finding[] {
  const failed = answers.flatMap(({ name, problem }): Finding[] =>
    problem === undefined
      ? []
      : [
          {
            severity: 'warning',
            message: `Checkpoint ${name} was not measured: ${problem}`,
            advice: 'Save or export it again, then run this again: only what is missing is measured.',
          },
        ],
  );
  const vague = shown.flatMap(({ metric, best }): Finding[] =>
    best === undefined || best.unidentified.length === 0
      ? []
      : [
          {
            severity: 'warning',
            message: `The checkpoints do not determine ${best.unidentified.join(', ')} of ${curveFamilies[best.name].formula} for ${metric}: not identifiable.`,
            advice:
              'Add checkpoints where the curve bends, or fit a curve with fewer parameters; do not read these.',
          },
        ],
  );
  return [...failed, ...vague];
}

function arraysOf({ answers, courses, chosen }: Study): Record<string, ResultArray> {
  const times = timesOf(answers, chosen.tokensPerStep);
  const evidence: Evidence = { kind: 'measured', how: `at ${String(times.length)} checkpoints` };
  const values = answers.flatMap((_, i) => courses.map((course) => course.values[i] ?? NaN));
  const names = courses.map(({ metric }) => metric).join(', ');
  return {
    times: { value: { dtype: 'float64', dims: [times.length], data: Float64Array.from(times) }, evidence },
    values: {
      value: { dtype: 'float64', dims: [times.length, courses.length], data: Float64Array.from(values) },
      evidence: { ...evidence, how: `at ${String(times.length)} checkpoints: ${names}` },
    },
  };
}

function blocksOf(study: Study): Block[] {
  const { main, shown, courses } = study;
  const still = courses.filter((course) => !shown.includes(course));
  return [
    {
      type: 'metrics',
      items: [
        { metric: 'checkpointCount', label: 'Checkpoints', format: 'count' },
        { metric: 'failedCount', label: 'Failed', format: 'count' },
        ...(main === undefined
          ? []
          : (['firstValue', 'lastValue'] as const).map((metric) => ({
              ...{
                metric,
                label: `${labelOf(study, main.metric)}: ${metric === 'firstValue' ? 'first' : 'last'}`,
              },
              format: formatOf(study, main.metric),
            }))),
        { metric: 'fitRSquared', label: 'R² of the fit', format: 'number' },
      ],
    },
    { type: 'findings', title: 'Findings' },
    ...shown.map((course) => metricChart(study, course)),
    checkpointTable(study),
    ...shown
      .filter(({ fits }) => fits.size > 0)
      .map(({ metric, fits }) => fitTable(`Curves through ${labelOf(study, metric)}`, fits)),
    ...(still.length === 0 ? [] : [stillBlock(study, still)]),
  ];
}

function metricChart(study: Study, course: MetricCourse): Block {
  const { answers, chosen } = study;
  const label = labelOf(study, course.metric);
  const times = timesOf(answers, chosen.tokensPerStep);
  return courseChart({
    ...{ title: `${label} over training`, quantity: label, format: formatOf(study, course.metric) },
    time: timeLabel(chosen),
    points: answers.map(({ name }, i) => ({ name, time: times[i] ?? NaN, value: course.values[i] })),
    fit: course.best,
  });
}

function timeLabel({ tokensPerStep }: TimelineChoices): string {
  return tokensPerStep === null ? 'Step' : 'Tokens';
}

function checkpointTable(study: Study): Block {
  const { answers, shown, chosen } = study;
  const times = timesOf(answers, chosen.tokensPerStep);
  const columns: TableColumn[] = [
    {
      ...{ key: 'name', label: 'Checkpoint', kind: 'text', links: 'parts' },
      description: 'Leads to the report of this checkpoint.',
    },
    { key: 'time', label: timeLabel(chosen), kind: 'count' },
    ...shown.map(({ metric }): TableColumn => {
      const column = quantityColumn(formatOf(study, metric));
      return { key: `metric.${metric}`, label: labelOf(study, metric), ...column };
    }),
    { key: 'answer', label: 'Answer', kind: 'text' },
  ];
  return {
    type: 'table',
    title: 'Checkpoints',
    columns,
    rows: answers.map(({ name, value, problem }, i) => {
      const row: Record<string, TableCell> = { name, time: times[i] ?? NaN };
      for (const { metric, values } of shown) {
        const at = quantityFactor(formatOf(study, metric)) * (values[i] ?? NaN);
        row[`metric.${metric}`] = value === undefined || Number.isNaN(at) ? null : toReportNumber(at);
      }
      row['answer'] = problem === undefined ? (value?.draft.summary ?? '') : `Not measured: ${problem}`;
      return row;
    }),
  };
}

function stillBlock(study: Study, still: readonly MetricCourse[]): Block {
  return {
    type: 'table',
    title: 'Metrics that do not change',
    folded: true,
    columns: [
      { key: 'metric', label: 'Metric', kind: 'text' },
      { key: 'value', label: 'Value', kind: 'number' },
    ],
    rows: still.map((course) => {
      const [end] = endsOf(study, course);
      return {
        metric: labelOf(study, course.metric),
        // Formatted here, because each row has a format of its own.
        value:
          end === undefined ? null : formatNumber(toReportNumber(end.value), formatOf(study, course.metric)),
      };
    }),
  };
}

function labelOf({ question }: Timeline, metric: string): string {
  return { ...commonMetrics, ...question.analysis.metrics }[metric]?.title ?? metric;
}

/** As the answers themselves show it. */
function formatOf({ answers }: Timeline, metric: string): NumberFormat {
  for (const { value } of answers) {
    const item = value === undefined ? undefined : shownAs(value, metric);
    if (item !== undefined) return item;
  }
  return 'number';
}

function shownAs({ draft, of }: DraftPart, metric: string): NumberFormat | undefined {
  for (const block of [...draft.blocks, ...(of?.preface.blocks ?? [])]) {
    if (block.type !== 'metrics') continue;
    const item = block.items.find((each) => each.metric === metric);
    if (item !== undefined) return item.format ?? 'number';
  }
  return undefined;
}
