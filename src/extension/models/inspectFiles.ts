import { dirname, resolve } from 'node:path';
import * as vscode from 'vscode';
import { messageOf } from '../../base/errors.js';
import type { Logger } from '../../base/logger.js';
import type { InspectFile } from '../../protocol/inspectFile.js';

/** An `.inspect.json` of the workspace and what it ties together; absolute paths. */
export interface InspectFileLink {
  readonly path: string;
  readonly modelPath: string | undefined;
  /** Whether it describes data. */
  readonly hasData: boolean;
  /** The file or folder of the data, when it describes some. */
  readonly dataPath: string | undefined;
  /** The training code, when it names some. */
  readonly codePath: string | undefined;
  readonly code: InspectFile['code'];
}

/** More inspect files than this are not read. */
const readFileCount = 500;

/** Returns every `.inspect.json` of the workspace that can be read; a damaged one is logged and left out. */
export async function findInspectFiles(exclude: string | null, log: Logger): Promise<InspectFileLink[]> {
  const found = await vscode.workspace.findFiles('**/*.inspect.json', exclude, readFileCount);
  const links = await Promise.all(found.map((uri) => readInspectLink(uri, log)));
  return links.filter((link) => link !== undefined).sort((a, b) => (a.path < b.path ? -1 : 1));
}

/** Returns what an inspect file ties together; a damaged one is logged, and undefined. */
export async function readInspectLink(uri: vscode.Uri, log: Logger): Promise<InspectFileLink | undefined> {
  if (uri.scheme !== 'file') return undefined;
  try {
    const { parseInspectFile } = await import('../../protocol/documents.js');
    const text = new TextDecoder().decode(await vscode.workspace.fs.readFile(uri));
    const { model, data, code } = parseInspectFile(JSON.parse(text), uri.fsPath);
    const base = dirname(uri.fsPath);
    return {
      path: uri.fsPath,
      modelPath: model === undefined ? undefined : resolve(base, model),
      hasData: data !== undefined,
      dataPath: data === undefined ? undefined : resolve(base, data.path),
      codePath: code === undefined ? undefined : resolve(base, code.path),
      code,
    };
  } catch (error) {
    log.warn(`${uri.fsPath} was left out: ${messageOf(error)}`);
    return undefined;
  }
}
