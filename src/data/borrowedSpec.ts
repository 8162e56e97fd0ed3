import { extname, resolve } from 'node:path';
import { UserError } from '../base/errors.js';
import type { DataSpec, InputSpec } from '../protocol/inspectFile.js';
import { isImageName } from './dataNames.js';
import { pixelScale } from './inputPlan.js';
import { readLabelNames } from './labels.js';
import { readInspectFile } from './readInspectFile.js';

/** How other data are fed, as far as it holds for this file. */
export interface BorrowedSpec {
  readonly spec: DataSpec;
  /** Folder that paths in `spec` are relative to. */
  readonly baseDir: string;
  /** Names of the classes, which are the model's and not the file's. */
  readonly labelNames: readonly string[] | undefined;
  /** The tokenizer, which is the model's. */
  readonly tokenizerPath?: string;
  /** What was assumed in passing it on, one sentence each. */
  readonly warnings: readonly string[];
}

/**
 * Returns how an inspect file describes data, for a file that is no part of them: a picture of one's own for a model whose
 * test set is described. Preprocessing and class names are the model's and hold for it; where arrays and columns lie holds
 * for files of the same type alone.
 *
 * @throws UserError `inspect-file-invalid` when it describes no data.
 */
export async function borrowSpec(path: string, describedBy: string): Promise<BorrowedSpec> {
  const { file, dir, dataPath, tokenizerPath } = await readInspectFile(describedBy);
  const tokenizer = tokenizerPath === undefined ? {} : { tokenizerPath };
  const { data } = file;
  if (data === undefined || dataPath === undefined) {
    throw new UserError(
      'inspect-file-invalid',
      `${describedBy} describes no data, so it does not say how ${path} is fed. Add "data" to it.`,
      { detail: { path: describedBy } },
    );
  }
  if (resolve(path) === dataPath) {
    return { spec: data, baseDir: dir, labelNames: undefined, warnings: [], ...tokenizer };
  }
  const labelNames = await readLabelNames(data.labels, dir);
  const isSameType = extname(path).toLowerCase() === extname(dataPath).toLowerCase();
  if (isSameType && holdsLabels.has(extname(path).toLowerCase())) {
    return { spec: { ...data, path }, baseDir: dir, labelNames, warnings: [], ...tokenizer };
  }
  const entries = Object.entries(data.inputs);
  const isUnscaled = isImageName(path) && entries.some(([, spec]) => isOfUnitRange(spec));
  const inputs = entries.map(([name, { from: _from, ...spec }]) => [
    name,
    isImageName(path) && isOfUnitRange(spec) ? { ...spec, scale: pixelScale } : spec,
  ]);
  return {
    spec: {
      path,
      inputs: Object.fromEntries(inputs) as DataSpec['inputs'],
      ...(data.mask === undefined ? {} : { mask: data.mask }),
    },
    baseDir: dir,
    labelNames,
    ...tokenizer,
    warnings: isUnscaled
      ? [`Assumed that ${dataPath} holds levels of 0–1, so the levels of ${path} are divided by 255.`]
      : [],
  };
}

/** Files that may hold the labels of their own samples, by their ending. */
const holdsLabels: ReadonlySet<string> = new Set(['.csv', '.tsv', '.parquet', '.npz']);

/** Mean and deviation without a scale are those of arrays that hold 0–1; pictures hold 0–255. */
function isOfUnitRange({ scale, mean, std }: InputSpec): boolean {
  return (
    scale === undefined && [mean, std].flat().some((value) => value !== undefined && value !== 0 && value < 1)
  );
}
