import type { Parts } from '../../../../../protocol/parts.js';
import type { ExplainedTensor, Scores } from '../../problem.js';

/** The scores of a table's rows, `[N, F]`. */
export interface Tabular {
  readonly scores: Scores;
  readonly input: ExplainedTensor;
  readonly captions: readonly string[];
  /** Names of the columns, where the data name them. */
  readonly columns: readonly string[] | undefined;
  /** What the columns are called as parts of the input. */
  readonly parts?: Parts | undefined;
}

/** Returns what a feature is called: its column, or its place in the input. */
export function featureName({ scores, columns }: Tabular, feature: number): string {
  const isNamed = columns?.length === scores.dims[1];
  return (isNamed ? columns?.[feature] : undefined) ?? `${scores.name}[${String(feature)}]`;
}

/** Returns the value of a feature in words, with as many digits as tell values apart. */
export function valueText(value: number): string {
  return Number.isInteger(value) ? String(value) : String(Number(value.toPrecision(4)));
}
