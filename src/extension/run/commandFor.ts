import * as vscode from 'vscode';
import { findAnalysis } from '../../runs/findAnalysis.js';
import { loadAnalyses } from '../loadAnalyses.js';
import { cliCommand } from './cliCommand.js';
import type { AskedRun } from './runner.js';
import { shellOf } from '../../base/shellQuote.js';

/** Returns the command line that asks the same, for the shell that the editor's terminal opens. */
export async function commandFor(asked: AskedRun): Promise<string> {
  const { settings } = findAnalysis(await loadAnalyses(), asked.analysis);
  const [only, ...others] = vscode.workspace.workspaceFolders ?? [];
  return cliCommand(asked, settings, {
    shell: shellOf(vscode.env.shell, process.platform),
    // Terminals of a workspace with several folders may begin in any of them.
    ...(only === undefined || others.length > 0 ? {} : { folder: only.uri.fsPath }),
  });
}
