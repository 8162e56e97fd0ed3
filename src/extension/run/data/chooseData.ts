import { basename } from 'node:path';
import * as vscode from 'vscode';
import { messageOf } from '../../../base/errors.js';
import type { App } from '../../app.js';
import { type Choice, chooseItem } from '../chooseItem.js';
import type { Answer } from '../walkSteps.js';
import type { DataCandidate, DataKind } from './dataCandidate.js';
import { describeCandidate, folderWords, reasonHeading } from './dataWords.js';
import { findData } from './findData.js';

/** How data is asked for. */
export interface DataQuestion {
  readonly title: string;
  readonly canGoBack: boolean;
  /** A run without data is possible: it is offered. */
  readonly isOptional: boolean;
}

type DataChoice =
  | { readonly kind: 'path'; readonly path: string }
  | { readonly kind: 'browse-file' | 'browse-folder' | 'none' };

/**
 * Asks for data to run a model on: proposes what it finds, each with the reason, and any file or folder. The answer is
 * remembered for the model; `null` is a run without data.
 */
export async function chooseData(
  app: App,
  model: vscode.Uri,
  question: DataQuestion,
): Promise<Answer<string | null>> {
  const answer = await chooseItem<DataChoice>({
    title: question.title,
    placeholder: vscode.l10n.t('Which data? Type to search, or browse.'),
    canGoBack: question.canGoBack,
    items: otherWays(question),
    fill: (list) => {
      findData(app, model, {
        signal: list.signal,
        hear: (candidates, isComplete) => {
          list.show([...itemsOf(candidates), ...otherWays(question)], { isComplete });
        },
      }).catch((error: unknown) => {
        app.log.warn(`The search for data failed: ${messageOf(error)}`);
        list.show(otherWays(question), { isComplete: true });
      });
    },
  });
  if (answer.kind !== 'chosen') return answer;
  const path = await pathOf(answer.value, model);
  if (path === undefined) return { kind: 'cancelled' };
  if (path !== null) app.models.setData(model, path);
  return { kind: 'chosen', value: path };
}

async function pathOf(choice: DataChoice, model: vscode.Uri): Promise<string | null | undefined> {
  switch (choice.kind) {
    case 'path':
      return choice.path;
    case 'none':
      return null;
    case 'browse-file':
    case 'browse-folder': {
      const isFolder = choice.kind === 'browse-folder';
      const uris = await vscode.window.showOpenDialog({
        canSelectFiles: !isFolder,
        canSelectFolders: isFolder,
        canSelectMany: false,
        defaultUri: vscode.Uri.joinPath(model, '..'),
        openLabel: vscode.l10n.t('Choose Data'),
      });
      return uris?.[0]?.fsPath;
    }
  }
}

function itemsOf(candidates: readonly DataCandidate[]): Choice<DataChoice>[] {
  let heading = '';
  return candidates.flatMap((candidate) => {
    const item: Choice<DataChoice> = {
      label: basename(candidate.path),
      description: folderWords(candidate.path),
      detail: describeCandidate(candidate),
      iconPath: new vscode.ThemeIcon(iconOf(candidate.kind)),
      value: { kind: 'path', path: candidate.path },
    };
    const next = reasonHeading(candidate.reason);
    if (next === heading) return [item];
    heading = next;
    return [separator(heading), item];
  });
}

function otherWays({ isOptional }: DataQuestion): Choice<DataChoice>[] {
  const none: Choice<DataChoice> = {
    label: vscode.l10n.t('No data'),
    detail: vscode.l10n.t('This analysis can do without; the report says what is missing'),
    iconPath: new vscode.ThemeIcon('circle-slash'),
    value: { kind: 'none' },
  };
  return [
    separator(vscode.l10n.t('Elsewhere')),
    {
      label: vscode.l10n.t('Browse for a file…'),
      detail: vscode.l10n.t('.inspect.json, .npz, .npy, .csv, .parquet, IDX or an image'),
      iconPath: new vscode.ThemeIcon('file'),
      value: { kind: 'browse-file' },
    },
    {
      label: vscode.l10n.t('Browse for a folder…'),
      detail: vscode.l10n.t('Images or sounds, sorted into a folder per class or not, or ONNX test data'),
      iconPath: new vscode.ThemeIcon('folder-opened'),
      value: { kind: 'browse-folder' },
    },
    ...(isOptional ? [none] : []),
  ];
}

function separator(label: string): Choice<DataChoice> {
  return { label, kind: vscode.QuickPickItemKind.Separator };
}

function iconOf(kind: DataKind): string {
  switch (kind) {
    case 'inspect-file':
      return 'json';
    case 'image':
    case 'images':
      return 'file-media';
    case 'audio':
      return 'unmute';
    case 'csv':
    case 'parquet':
      return 'table';
    case 'npy':
    case 'npz':
    case 'idx':
    case 'onnx-pb':
      return 'symbol-array';
  }
}
