import { dirname, sep } from 'node:path';
import { isInspectFileName } from '../../data/dataNames.js';
import type { InspectFileLink } from '../models/inspectFiles.js';

/** A model that a sample belongs to, and the inspect file that says how the sample is fed. */
export interface SampleModel {
  readonly modelPath: string;
  /** What the run reads: the sample, or the inspect file of the data that it is a part of. */
  readonly dataPath: string;
  /** The inspect file of other data that says how the sample is fed. */
  readonly describedBy?: string;
}

/**
 * Returns the models that inspect files tie a file to: it is one of these files, their data, or lies in the folder of their
 * data; nearest first. A table that is the data itself keeps its labels, so the inspect file is what is read.
 */
export function tiedModels(file: string, links: readonly InspectFileLink[]): readonly SampleModel[] {
  if (isInspectFileName(file)) {
    return links
      .filter(({ path }) => path === file)
      .flatMap(({ modelPath }) => (modelPath === undefined ? [] : [{ modelPath, dataPath: file }]));
  }
  const tied = links.flatMap((link) => {
    const { modelPath, dataPath, path } = link;
    if (modelPath === undefined || dataPath === undefined) return [];
    if (dataPath === file) return [{ depth: Infinity, model: { modelPath, dataPath: path } }];
    const isInside = file.startsWith(dataPath + sep);
    return isInside ? [{ depth: dataPath.length, model: describedModel(file, modelPath, link) }] : [];
  });
  return tied.sort((a, b) => b.depth - a.depth).map(({ model }) => model);
}

/** Returns how a model is fed a file of one's own: as the inspect file of its data says, where there is one. */
export function chosenSampleModel(
  file: string,
  modelPath: string,
  links: readonly InspectFileLink[],
): SampleModel {
  const own = links.filter((link) => link.modelPath === modelPath && link.hasData);
  const beside = own.find(({ path }) => dirname(path) === dirname(modelPath));
  return describedModel(file, modelPath, beside ?? own[0]);
}

function describedModel(
  file: string,
  modelPath: string,
  link: Pick<InspectFileLink, 'path'> | undefined,
): SampleModel {
  return { modelPath, dataPath: file, ...(link === undefined ? {} : { describedBy: link.path }) };
}
