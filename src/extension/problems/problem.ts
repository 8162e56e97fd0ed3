import { dirname } from 'node:path';
import * as vscode from 'vscode';
import type { Finding } from '../../protocol/report.js';
import { placesInCode } from '../../runs/code/findingPlaces.js';
import type { InspectFileLink } from '../models/inspectFiles.js';
import type { StoredResult } from '../results/storedResult.js';

/** A finding of a result, as it stands in the list of problems. */
export interface Problem {
  readonly result: StoredResult;
  readonly finding: Finding;
  /** The model changed since. */
  readonly isStale: boolean;
  readonly uri: vscode.Uri;
  /** Line from 0. */
  readonly line: number;
}

/** The name that our problems have in the editor's list. */
export const problemSource = 'Neuron Inspector';

/** Returns findings where they belong: on the line of code that makes the layer, else on the model. */
export async function placeFindings(
  findings: readonly Finding[],
  { result, isStale }: Pick<Problem, 'result' | 'isStale'>,
  links: readonly InspectFileLink[],
): Promise<Problem[]> {
  const link = links.find(({ modelPath, code }) => modelPath === result.modelPath && code !== undefined);
  const addresses = findings.flatMap(({ address }) => address ?? []);
  const places =
    link?.code === undefined
      ? undefined
      : await placesInCode(addresses, { code: link.code, dir: dirname(link.path) }, readText);
  return findings.map((finding) => {
    const place = finding.address === undefined ? undefined : places?.get(finding.address);
    return {
      ...{ result, finding, isStale },
      uri: vscode.Uri.file(place?.path ?? result.modelPath),
      line: place?.line ?? 0,
    };
  });
}

/** Returns a problem as the editor lists it; one that was measured before the model changed is only a note. */
export function diagnosticOf({ finding, result, isStale, line }: Problem): vscode.Diagnostic {
  const stale = isStale ? ` (${vscode.l10n.t('measured before the model changed')})` : '';
  const advice = finding.advice === '' ? '' : `\n${finding.advice}`;
  // A line is as long as it is: the editor cuts what is too much.
  const range = new vscode.Range(line, 0, line, Number.MAX_SAFE_INTEGER);
  const diagnostic = new vscode.Diagnostic(
    range,
    `${finding.message}${stale}${advice}`,
    isStale
      ? vscode.DiagnosticSeverity.Information
      : finding.severity === 'error'
        ? vscode.DiagnosticSeverity.Error
        : vscode.DiagnosticSeverity.Warning,
  );
  diagnostic.source = problemSource;
  diagnostic.code = result.analysis;
  return diagnostic;
}

/** What is open may say more than the disk. */
async function readText(path: string): Promise<string | undefined> {
  const open = vscode.workspace.textDocuments.find(({ uri }) => uri.fsPath === path);
  if (open !== undefined) return open.getText();
  try {
    return new TextDecoder().decode(await vscode.workspace.fs.readFile(vscode.Uri.file(path)));
  } catch {
    return undefined;
  }
}
