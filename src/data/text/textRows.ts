import { csvSource } from '../csvSource.js';
import type { RawSample, SampleSource, Selection, SourceRequest } from '../sampleSource.js';
import { openTokenizer } from './openTokenizer.js';
import { planText, rowValues, textFields } from './textPlan.js';

/**
 * Opens a column of a CSV file as texts, one a row, cut to the length that the model takes; padded where it takes a mask.
 *
 * @throws UserError when the column is missing, or the model takes no tokens.
 */
export async function textRowSource(request: SourceRequest): Promise<SampleSource> {
  const { tokenizer, path, warnings } = await openTokenizer(request);
  const plan = planText(request, tokenizer);
  const mask = plan.roles.find(({ role }) => role === 'mask')?.target.name;
  // The reader of tables hands the column over as text, which an input of strings takes.
  const column = { name: plan.idsName, elementType: 'string', sampleShape: [1], shape: ['N', 1] } as const;
  const table = await csvSource({ ...request, targets: [column] });
  async function* samples(selection: Selection, signal?: AbortSignal): AsyncGenerator<RawSample> {
    for await (const sample of table.samples(selection, signal)) {
      const cell = sample.values.get(plan.idsName);
      const text = cell?.kind === 'array' && Array.isArray(cell.data) ? (cell.data[0] ?? '') : '';
      yield { ...sample, values: rowValues(plan, tokenizer, tokenizer.encode(text)) };
    }
  }
  return {
    ...table,
    kind: 'csv',
    fields: textFields(plan),
    tokens: { input: plan.idsName, tokenizer, path },
    ...(mask === undefined ? {} : { maskInput: mask }),
    warnings: [...warnings, ...table.warnings],
    samples,
  };
}
