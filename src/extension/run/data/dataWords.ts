import { basename, dirname } from 'node:path';
import * as vscode from 'vscode';
import { type DataCandidate, type DataKind, dataKinds, type ReasonKind } from './dataCandidate.js';

/** Returns the heading that candidates of a reason stand under. */
export function reasonHeading(reason: ReasonKind): string {
  switch (reason) {
    case 'names-model':
    case 'used-for-model':
      return vscode.l10n.t('For this model');
    case 'names-no-model':
    case 'test-data':
    case 'near-model':
      return vscode.l10n.t('Near the model');
    case 'used-for-other':
    case 'names-other-model':
      return vscode.l10n.t('Of other models');
    case 'in-workspace':
      return vscode.l10n.t('In this workspace');
  }
}

/** Returns why data is proposed, and what it is: `Describes the data of this model · inspect file`. */
export function describeCandidate(candidate: DataCandidate): string {
  const parts = [
    reasonWords(candidate),
    kindWords(candidate.kind),
    countWords(candidate),
    labelWords(candidate),
  ];
  return parts.filter((part) => part !== '').join(' · ');
}

/** Returns the folder of data as a person reads it: from the workspace's root when it is inside. */
export function folderWords(path: string): string {
  return vscode.workspace.asRelativePath(dirname(path));
}

function reasonWords({ reason, otherModelPath = '' }: DataCandidate): string {
  switch (reason) {
    case 'names-model':
      return vscode.l10n.t('Describes the data of this model');
    case 'used-for-model':
      return vscode.l10n.t('Used with this model before');
    case 'names-no-model':
      return vscode.l10n.t('Describes data of no particular model');
    case 'test-data':
      return vscode.l10n.t('Test inputs that came with a model');
    case 'used-for-other':
      return vscode.l10n.t('Used with {0}', basename(otherModelPath));
    case 'names-other-model':
      return vscode.l10n.t('Describes the data of {0}', basename(otherModelPath));
    case 'near-model':
    case 'in-workspace':
      // The heading says it.
      return '';
  }
}

/** Returns what a reader's kind of data is, in words. */
export function readerWords(kind: string): string {
  const known = dataKinds.find((one) => one === kind);
  return known === undefined ? kind : kindWords(known);
}

function kindWords(kind: DataKind): string {
  switch (kind) {
    case 'inspect-file':
      return vscode.l10n.t('inspect file');
    case 'npy':
      return vscode.l10n.t('NumPy array');
    case 'npz':
      return vscode.l10n.t('NumPy arrays');
    case 'csv':
      return vscode.l10n.t('table');
    case 'parquet':
      return vscode.l10n.t('Parquet table');
    case 'idx':
      return vscode.l10n.t('IDX array');
    case 'image':
      return vscode.l10n.t('image');
    case 'images':
      return vscode.l10n.t('folder of images');
    case 'audio':
      return vscode.l10n.t('sound');
    case 'onnx-pb':
      return vscode.l10n.t('ONNX test data');
  }
}

function countWords({ kind, itemCount, hasMore, classCount }: DataCandidate): string {
  if (itemCount === undefined) return '';
  const count = itemCount.toLocaleString(vscode.env.language);
  if (kind === 'onnx-pb') {
    return itemCount === 1 ? vscode.l10n.t('1 set') : vscode.l10n.t('{0} sets', count);
  }
  const shown = hasMore === true ? vscode.l10n.t('more than {0}', count) : count;
  if (kind === 'audio') return soundWords(itemCount, shown, classCount);
  if (classCount === undefined) {
    return itemCount === 1 ? vscode.l10n.t('1 image') : vscode.l10n.t('{0} images', shown);
  }
  return vscode.l10n.t('{0} images in {1} folders, one per class', shown, classCount);
}

function soundWords(itemCount: number, shown: string, classCount: number | undefined): string {
  if (classCount !== undefined) {
    return vscode.l10n.t('{0} sounds in {1} folders, one per class', shown, classCount);
  }
  return itemCount === 1 ? vscode.l10n.t('1 file') : vscode.l10n.t('{0} files', shown);
}

function labelWords({ hasLabels }: DataCandidate): string {
  return hasLabels === true ? vscode.l10n.t('with labels') : '';
}
