import type { AnalysisContext } from '../../analysis.js';
import { GraphBuilder } from '../../../engine/graph/graphBuilder.js';
import { prepare, type Prepared } from '../attribution/prepare.js';
import type { Problem } from '../attribution/problem.js';
import type { BenchmarkSettings } from './settings.js';
import { settingsFor } from './candidates.js';

/** Output that is added for the probabilities. */
const probabilityName = 'ni/probability';

const float = { kind: 'tensor', elementType: 'float32' } as const;

/**
 * Returns the problem whose value is the probability of the explained class: softmax over the class axis of the explained
 * output; undefined where the output has one value only.
 */
export async function probabilityOf(
  context: AnalysisContext,
  prepared: Prepared,
  settings: BenchmarkSettings,
): Promise<Prepared | undefined> {
  const { problem, facts } = prepared;
  const { selection } = problem;
  if (selection.kind !== 'element' || facts.targets === undefined || facts.targets.classCount < 2) {
    return undefined;
  }
  const rank = (selection.indices[0]?.length ?? 0) + 1;
  const model = withProbability(problem, selection.value, rank);
  const of = { ...settingsFor('gradient', settings), output: probabilityName, explain: 'output' } as const;
  return prepare({ ...context, model }, of, {
    rows: problem.rows,
    selection: { ...selection, value: probabilityName },
  });
}

function withProbability({ model }: Problem, value: string, rank: number): AnalysisContext['model'] {
  const builder = new GraphBuilder(model);
  // The class axis is the last, or axis 1 of outputs with four axes and more.
  const axis = rank >= 4 ? 1 : -1;
  const probability = builder.node('Softmax', [value], { attributes: { axis }, outputs: [probabilityName] });
  builder.addOutput(probability, { ...float, shape: Array.from({ length: rank }, () => null) });
  return builder.build();
}
