import * as vscode from 'vscode';
import { idPrefix } from '../manifest/contribution.js';
import { type Problem, problemSource } from './problem.js';

/** What finds the problem behind a diagnostic. */
export interface ProblemFinder {
  find(uri: vscode.Uri, diagnostic: vscode.Diagnostic): Problem | undefined;
}

/** Returns what can be done about the problems at a place: open the report, go to the neuron, mute with a reason. */
export function problemActions(
  uri: vscode.Uri,
  diagnostics: readonly vscode.Diagnostic[],
  problems: ProblemFinder,
): vscode.CodeAction[] {
  return diagnostics
    .filter(({ source }) => source === problemSource)
    .flatMap((diagnostic) => {
      const problem = problems.find(uri, diagnostic);
      return problem === undefined ? [] : actionsOf(problem, diagnostic);
    });
}

function actionsOf({ result, finding }: Problem, diagnostic: vscode.Diagnostic): vscode.CodeAction[] {
  const { address } = finding;
  const action = (title: string, command: string, args: readonly unknown[]): vscode.CodeAction => {
    const made = new vscode.CodeAction(title, vscode.CodeActionKind.QuickFix);
    made.diagnostics = [diagnostic];
    made.command = { title, command: idPrefix + command, arguments: [...args] };
    return made;
  };
  return [
    action(vscode.l10n.t('Open the report “{0}”', result.title), 'openResult', [result.id]),
    ...(address === undefined
      ? []
      : [
          action(vscode.l10n.t('Go to {0}', address), 'openAddress', [
            vscode.Uri.file(result.modelPath),
            address,
          ]),
        ]),
    action(vscode.l10n.t('Mute this finding with a reason…'), 'muteFinding', [
      { modelPath: result.modelPath, analysis: result.analysis, finding },
    ]),
  ];
}
