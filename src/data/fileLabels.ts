import { resolve } from 'node:path';
import { labelsInvalid } from './dataErrors.js';
import { findLabelsFile, labelIndexer, readLabelNames, readLabelsFile } from './labels.js';
import type { SourceRequest } from './sampleSource.js';

/** Labels of files, one each. */
export interface FileLabels {
  readonly indices?: Int32Array;
  readonly names?: readonly string[];
  /** Where they come from, as an inspect file writes it. */
  readonly from?: string;
  readonly warnings: readonly string[];
}

/** The files to label. */
export interface LabelledFiles {
  /** Paths relative to the folder, with forward slashes. */
  readonly ids: readonly string[];
  readonly isFolder: boolean;
  /** What they are, for messages: `images`. */
  readonly noun: string;
}

/**
 * Returns the labels of files: from the file that the inspect file names, else from the names of sub-folders.
 *
 * @throws UserError `data-labels` when there is not one for each.
 */
export async function readFileLabels(request: SourceRequest, files: LabelledFiles): Promise<FileLabels> {
  const { spec, baseDir, classCount, path: folder } = request;
  const { ids, isFolder, noun } = files;
  const from = spec?.labels?.from;
  const names = await readLabelNames(spec?.labels, baseDir);
  if (from !== undefined && from !== 'folder') {
    const path = findLabelsFile(from, { baseDir, path: folder }) ?? resolve(baseDir, String(from));
    const labels = await readLabelsFile(path, names);
    if (labels.indices !== undefined && labels.indices.length !== ids.length) {
      throw labelsInvalid(
        `${path} has ${labels.indices.length} labels and there are ${ids.length} ${noun}. Give one for each, in the order of their names.`,
      );
    }
    return { ...labels, ...(names === undefined ? {} : { names }) };
  }
  if (!isFolder || !ids.every((id) => id.includes('/'))) {
    if (from === undefined) return { warnings: [], ...(names === undefined ? {} : { names }) };
    throw labelsInvalid(
      `Labels are to come from folder names, and some ${noun} are in no sub-folder. Put each into a folder named after its class.`,
    );
  }
  return folderLabels(
    ids.map((id) => id.split('/')[0] ?? ''),
    { names, classCount, isWritten: from !== undefined },
  );
}

function folderLabels(
  folders: readonly string[],
  {
    names,
    classCount,
    isWritten,
  }: { names: readonly string[] | undefined; classCount: number | undefined; isWritten: boolean },
): FileLabels {
  if (names !== undefined) {
    const toIndex = labelIndexer(names);
    const indices = Int32Array.from(folders, (folder) => toIndex(folder, `the folder ${folder}`));
    return { indices, names, from: 'folder', warnings: [] };
  }
  const distinct = [...new Set(folders)].sort();
  if (distinct.every((folder) => /^\d+$/.test(folder))) {
    const warnings = isWritten ? [] : ['Assumed that folder names are class numbers.'];
    return { indices: Int32Array.from(folders, Number), from: 'folder', warnings };
  }
  const warnings = [
    `Assumed that the classes are the folders in alphabetical order: ${distinct.slice(0, 10).join(', ')}. Write them as "labels.names" in an .inspect.json.`,
  ];
  if (classCount !== undefined && classCount !== distinct.length) {
    warnings.push(
      `There are ${distinct.length} folders and the model has ${classCount} classes: the order of folders is probably not the order of classes.`,
    );
  }
  const indices = Int32Array.from(folders, (folder) => distinct.indexOf(folder));
  return { indices, names: distinct, from: 'folder', warnings };
}
