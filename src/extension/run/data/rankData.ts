import { basename, dirname, extname, join, relative, sep } from 'node:path';
import {
  idxLabelsNameOf,
  isAudioName,
  isImageName,
  isInspectFileName,
  isTestInputName,
  kindByExtension,
} from '../../../data/dataNames.js';
import type { InspectFileLink } from '../../models/inspectFiles.js';
import { type DataCandidate, type DataKind, reasonKinds } from './dataCandidate.js';
import { groupFiles } from './groupFiles.js';

/** What was found that may be data for a model; absolute paths. */
export interface FoundData {
  readonly modelPath: string;
  readonly links: readonly Pick<InspectFileLink, 'path' | 'modelPath' | 'hasData'>[];
  /** Data of earlier runs with the model it was used for, last used first. */
  readonly used: readonly { readonly path: string; readonly modelPath: string }[];
  /** Files by name: images, arrays, tables, test inputs. */
  readonly files: readonly string[];
  /** The search for images was cut short. */
  readonly hasMoreImages: boolean;
}

/** Folders of the way from the model to its data beyond which data is not near any more. */
const nearDistance = 3;

/** So many lines are proposed; there is Browse for the rest. */
const candidateCount = 40;

/** Returns data that may fit a model, most likely first, each once, with the best reason for it. */
export function rankData(found: FoundData): DataCandidate[] {
  const best = new Map<string, DataCandidate>();
  for (const candidate of [...fromLinks(found), ...fromUse(found), ...fromFiles(found)]) {
    const known = best.get(candidate.path);
    if (known === undefined) best.set(candidate.path, candidate);
    else if (rankOf(candidate) < rankOf(known)) best.set(candidate.path, { ...known, ...candidate });
    else best.set(candidate.path, { ...candidate, ...known });
  }
  return sorted([...best.values()], found.modelPath).slice(0, candidateCount);
}

function fromLinks({ modelPath, links }: FoundData): DataCandidate[] {
  return links
    .filter(({ hasData }) => hasData)
    .map((link) => {
      const candidate = { path: link.path, kind: 'inspect-file' as const };
      if (link.modelPath === undefined) return { ...candidate, reason: 'names-no-model' };
      if (link.modelPath === modelPath) return { ...candidate, reason: 'names-model' };
      return { ...candidate, reason: 'names-other-model', otherModelPath: link.modelPath };
    });
}

function fromUse({ modelPath, used }: FoundData): DataCandidate[] {
  return used.map((use) => {
    const candidate = { path: use.path, kind: kindOf(use.path) ?? 'images' };
    return use.modelPath === modelPath
      ? { ...candidate, reason: 'used-for-model' }
      : { ...candidate, reason: 'used-for-other', otherModelPath: use.modelPath };
  });
}

function fromFiles(found: FoundData): DataCandidate[] {
  const { modelPath, files, hasMoreImages } = found;
  const folder = dirname(modelPath);
  const present = new Set(files);
  const reasonOf = (path: string): DataCandidate['reason'] =>
    distance(folder, dirname(path)) <= nearDistance ? 'near-model' : 'in-workspace';
  const labels = new Set(files.flatMap((path) => labelsOf(path) ?? []));
  const single = files.flatMap((path): DataCandidate[] => {
    const kind = kindOf(path);
    if (kind === undefined || !standAlone.has(kind)) return [];
    if (labels.has(path) || isLabelsName(basename(path))) return [];
    const labelsPath = labelsOf(path);
    const hasLabels = labelsPath !== undefined && present.has(labelsPath);
    return [{ path, kind, reason: reasonOf(path), ...(hasLabels ? { hasLabels } : {}) }];
  });
  const grouped = (kind: DataKind, members: readonly string[], hasMore: boolean): DataCandidate[] =>
    groupFiles(members).map(({ path, fileCount, classCount }) => ({
      path,
      kind,
      reason: reasonOf(join(path, 'member')),
      itemCount: fileCount,
      ...(hasMore ? { hasMore } : {}),
      ...(classCount === undefined ? {} : { classCount }),
    }));
  return [
    ...single,
    ...grouped('images', files.filter(isImageName), hasMoreImages),
    ...grouped('audio', files.filter(isAudioName), false),
    ...testData(files, folder),
  ];
}

/** Kinds of which one file is a data set, and not one of many in a folder. */
const standAlone: ReadonlySet<DataKind> = new Set(['npy', 'npz', 'csv', 'parquet', 'idx']);

/** Folders of `input_*.pb`; those of `test_data_set_0`, `_1` … are one data set, the folder around them. */
function testData(files: readonly string[], modelFolder: string): DataCandidate[] {
  const sets = new Map<string, number>();
  for (const folder of new Set(files.filter((path) => isTestInputName(basename(path))).map(dirname))) {
    const path = /^test_data_set_\d+$/.test(basename(folder)) ? dirname(folder) : folder;
    sets.set(path, (sets.get(path) ?? 0) + 1);
  }
  return [...sets].map(([path, itemCount]) => ({
    path,
    kind: 'onnx-pb',
    reason: distance(modelFolder, path) <= 1 ? 'test-data' : 'in-workspace',
    itemCount,
  }));
}

/** What a path is by its name, or undefined when the name tells nothing that we read. */
function kindOf(path: string): DataKind | undefined {
  const name = basename(path);
  if (isInspectFileName(name)) return 'inspect-file';
  if (isImageName(name)) return 'image';
  if (/idx\d/.test(name)) return 'idx';
  return kindByExtension.get(extname(name).toLowerCase());
}

function labelsOf(path: string): string | undefined {
  const name = idxLabelsNameOf(basename(path));
  return name === undefined ? undefined : join(dirname(path), name);
}

/** Arrays of labels feed no input, and are found by the reader of what they label. */
function isLabelsName(name: string): boolean {
  return (
    /(^|[-_.])(labels?|y|targets?)([-_.](train|test|val|valid))?\.npy$/i.test(name) ||
    /labels.*idx1/.test(name)
  );
}

/** Folders to go up and down from one folder to another. */
function distance(from: string, to: string): number {
  const path = relative(from, to);
  return path === '' ? 0 : path.split(sep).length;
}

function rankOf({ reason }: DataCandidate): number {
  return reasonKinds.indexOf(reason);
}

/** Sorts by reason, then by how far it is, then whether it bears the model's name, then by name. */
function sorted(candidates: readonly DataCandidate[], modelPath: string): DataCandidate[] {
  const folder = dirname(modelPath);
  const stem = basename(modelPath, extname(modelPath)).toLowerCase();
  return candidates
    .map((candidate) => {
      const { path } = candidate;
      const bearsName = basename(path).toLowerCase().startsWith(stem);
      return { candidate, keys: [rankOf(candidate), distance(folder, dirname(path)), bearsName ? 0 : 1] };
    })
    .sort((a, b) => {
      const at = a.keys.findIndex((key, index) => key !== b.keys[index]);
      if (at >= 0) return (a.keys[at] ?? 0) - (b.keys[at] ?? 0);
      return byName.compare(a.candidate.path, b.candidate.path);
    })
    .map(({ candidate }) => candidate);
}

const byName = new Intl.Collator('en', { numeric: true });
