import { fileSource } from '../byteSource.js';
import { dataEmpty } from '../dataErrors.js';
import { isTextName } from '../dataNames.js';
import { readFileLabels } from '../fileLabels.js';
import { listFiles } from '../listFiles.js';
import {
  indicesOf,
  type RawSample,
  type SampleSource,
  type Selection,
  type SourceRequest,
} from '../sampleSource.js';
import { openTokenizer } from './openTokenizer.js';
import { planText, rowValues, textFields, type TextPlan } from './textPlan.js';
import { cutDocuments, type Document, type TextWindows } from './textWindows.js';
import { openTokenFile } from './tokenFile.js';
import type { Tokenizer } from './tokenizer.js';

/**
 * Opens a text file, or a folder of them, as rows of tokens; names of sub-folders are the labels. A file longer than the
 * model's context is cut into rows one after the other, each with what the tokenizer puts around a sequence.
 *
 * Ids are paths relative to the folder, with the tokens where a file is several rows: `held-out.txt 64–127`.
 *
 * @throws UserError `tokenizer-missing`, `data-malformed`, or when the model takes no tokens.
 */
export async function textSource(request: SourceRequest, isFolder: boolean): Promise<SampleSource> {
  const { path } = request;
  const opened = await openTokenizer(request);
  const { tokenizer } = opened;
  const plan = planText(request, tokenizer);
  const { files, ids } = await listFiles(path, { isFolder, isWanted: isTextName });
  const documents: Document[] = [];
  for (const [index, file] of files.entries()) {
    const tokens = await openTokenFile(await fileSource(file), tokenizer);
    documents.push({ id: ids[index] ?? file, tokens });
  }
  const { windows, warnings } = cutDocuments(documents, plan);
  if (windows.count === 0) throw dataEmpty(path, `no text fills a row of ${plan.length} tokens`);
  const labels = await readFileLabels(request, { ids, isFolder, noun: 'files' });
  const indices = labels.indices;
  const allLabels = indices === undefined ? undefined : windows.spread(indices);
  const mask = plan.roles.find(({ role }) => role === 'mask')?.target.name;
  return {
    kind: 'text',
    sampleCount: windows.count,
    fields: textFields(plan),
    hasLabels: allLabels !== undefined,
    ...(labels.names === undefined ? {} : { labelNames: labels.names }),
    ...(allLabels === undefined ? {} : { allLabels }),
    tokens: { input: plan.idsName, tokenizer, path: opened.path },
    ...(mask === undefined ? {} : { maskInput: mask }),
    isRandomAccess: true,
    warnings: [...opened.warnings, ...warnings, ...labels.warnings],
    resolved: { from: new Map(), ...(labels.from === undefined ? {} : { labelsFrom: labels.from }) },
    samples: (selection, signal) =>
      textSamples({ documents, windows, plan, tokenizer, labels: allLabels }, selection, signal),
  };
}

interface TextReading {
  readonly documents: readonly Document[];
  readonly windows: TextWindows;
  readonly plan: TextPlan;
  readonly tokenizer: Tokenizer;
  readonly labels: Int32Array | undefined;
}

async function* textSamples(
  { documents, windows, plan, tokenizer, labels }: TextReading,
  selection: Selection,
  signal: AbortSignal | undefined,
): AsyncGenerator<RawSample> {
  for (const index of indicesOf(selection)) {
    const window = windows.at(index);
    const document = window === undefined ? undefined : documents[window.document];
    if (window === undefined || document === undefined) continue;
    const content = await document.tokens.read(window.start, window.end, signal);
    const label = labels?.[index];
    const values = rowValues(plan, tokenizer, content);
    yield { index, id: window.id, values, ...(label === undefined ? {} : { label }) };
  }
}
