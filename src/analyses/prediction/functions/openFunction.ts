import { sumOf } from '../../../engine/numeric/vectors.js';
import type { AnalysisContext } from '../../analysis.js';
import { openFeatures } from '../features/features.js';
import { rowOf } from '../attribution/points.js';
import { type Known, type Prepared, prepare } from '../attribution/prepare.js';
import type { ExplainedTensor, Problem } from '../attribution/problem.js';
import { rowEvidence, rowName } from '../attribution/rows.js';
import { attributionDefaults, type AttributionSettings } from '../attribution/settings.js';
import type { FunctionSettings } from './functionSettings.js';
import { applyChanges, type ElementsOf, elementsByFeature, type RowFunction } from './rowFunction.js';

/** A function of features with what it was made of, for who needs its gradients. */
export interface OpenedFunction extends RowFunction {
  readonly problem: Problem;
  /** Elements of each feature, by input. */
  readonly elements: readonly ElementsOf[];
}

/** How a function is opened. */
export interface FunctionChoice {
  /** Rows when no limit is given. */
  readonly defaultRowCount: number;
  /** Whether f is the output itself, or what enters its final Softmax, LogSoftmax or Sigmoid. */
  readonly explain: AttributionSettings['explain'];
}

/**
 * Returns one number of the model as a function of the features of the first rows of the data.
 *
 * It is the score of one class, the same for all rows: by default the one that most of them are predicted as.
 *
 * @throws UserError for settings that do not fit the model or the data.
 */
export async function openFunction(
  context: AnalysisContext,
  settings: FunctionSettings,
  choice: FunctionChoice,
): Promise<OpenedFunction> {
  const limited = { ...context, limit: context.limit ?? choice.defaultRowCount };
  const prepared = await prepareOneClass(limited, settings, choice.explain);
  const { problem, facts } = prepared;
  const { rows, inputs } = problem;
  const features = await openFeatures(
    inputs,
    { ...settings, features: 'auto' },
    // Features that differ between rows cannot be compared between them: one mask for all.
    { rowCount: 1, columnNames: problem.columnNames },
  );
  const elements = inputs.map((_, input) => elementsByFeature(features.idsOf(0, input), features.maxCount));
  const elementCounts = Array.from({ length: features.maxCount }, (_, feature) =>
    sumOf(elements.map((lists) => lists[feature]?.length ?? 0)),
  );
  return {
    problem,
    elements,
    rowCount: rows.count,
    rowNames: rows.ids.map(rowName),
    features,
    explained: named(facts.explained, prepared, context.data?.labelNames),
    warnings: [...facts.warnings, ...rows.warnings],
    evidence: rowEvidence(rows),
    elementCounts,
    valueOf: (feature, row) => meanOf(inputs, elements, { feature, row }),
    expect: (pointCount) => {
      problem.expect(pointCount);
    },
    evaluate: (points) => evaluate({ problem, elements, elementCounts }, points),
    close: () => prepared.close(),
  };
}

async function prepareOneClass(
  context: AnalysisContext,
  { output, target, position }: FunctionSettings,
  explain: AttributionSettings['explain'],
): Promise<Prepared> {
  const prepareFor = (wanted: string, known: Known = {}): Promise<Prepared> =>
    prepare(
      context,
      // Nothing is attributed; feature-ablation asks for nothing else.
      { ...attributionDefaults, method: 'feature-ablation', output, position, explain, target: wanted },
      known,
    );
  if (target !== null) return prepareFor(target);
  const perRow = await prepareFor('argmax');
  const commonest = commonestOf(perRow.facts.targets?.classes ?? []);
  await perRow.close();
  return prepareFor(String(commonest), { rows: perRow.problem.rows });
}

/** Returns the value that stands most often in a list, the smallest of several; 0 in an empty one. */
export function commonestOf(values: readonly number[]): number {
  const counts = new Map<number, number>();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  const [best = [0, 0]] = [...counts].sort(([a, countA], [b, countB]) => countB - countA || a - b);
  return best[0];
}

function named(explained: string, { facts }: Prepared, labelNames: readonly string[] | undefined): string {
  const [target] = facts.targets?.classes ?? [];
  const name = facts.targets?.classCount === 1 ? undefined : labelNames?.[target ?? -1];
  return name === undefined ? explained : explained.replace(/^class \d+/u, (found) => `${found} (${name})`);
}

function meanOf(
  inputs: readonly ExplainedTensor[],
  elements: readonly ElementsOf[],
  { feature, row }: { readonly feature: number; readonly row: number },
): number {
  let [sum, count] = [0, 0];
  for (const [index, input] of inputs.entries()) {
    const values = rowOf(input, row);
    for (const element of elements[index]?.[feature] ?? []) {
      sum += values[element] ?? NaN;
      count++;
    }
  }
  return sum / count;
}

function evaluate(
  { problem, elements, elementCounts }: Pick<OpenedFunction, 'problem' | 'elements' | 'elementCounts'>,
  points: Parameters<RowFunction['evaluate']>[0],
): Promise<Float64Array> {
  const { inputs } = problem;
  return problem.open({ coordinates: inputs }).values({
    count: points.count,
    rowOf: (point) => points.rowOf(point),
    write: (point, coordinate, target) => {
      const input = inputs[coordinate];
      if (input === undefined) return;
      target.set(rowOf(input, points.rowOf(point)));
      applyChanges(target, points.changesOf(point), {
        elements: elements[coordinate] ?? [],
        elementCounts,
        rowOf: (row) => rowOf(input, row),
      });
    },
  });
}
