import * as vscode from 'vscode';
import { UserError } from '../base/errors.js';

/**
 * Returns the path of a file on disk.
 *
 * @throws UserError `not-on-disk` for files of virtual workspaces: models are read with their weights in place.
 */
export function localPath(uri: vscode.Uri): string {
  if (uri.scheme === 'file') return uri.fsPath;
  throw new UserError(
    'not-on-disk',
    vscode.l10n.t(
      'Neuron Inspector reads models from disk, and {0} is in a virtual workspace. Copy the file to a local folder, or open the folder on the machine that holds it.',
      uri.path.split('/').at(-1) ?? uri.path,
    ),
  );
}
