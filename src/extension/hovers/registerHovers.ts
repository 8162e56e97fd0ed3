import * as vscode from 'vscode';
import type { App } from '../app.js';
import { Grammars } from './code/grammars.js';
import { ParsedDocuments, type TextChange } from './code/parsedDocuments.js';
import { NeuronHovers } from './neuronHovers.js';

/** Languages whose documents are read. */
const languages = [
  ...['python', 'typescript', 'typescriptreact', 'javascript', 'javascriptreact'],
  ...['markdown', 'json', 'jsonc'],
];

/** Registers the hovers and returns their provider; grammars are loaded and documents parsed on the first hover. */
export function registerHovers(app: App): vscode.HoverProvider {
  const folder = vscode.Uri.joinPath(app.extensionUri, 'dist', 'tree-sitter').fsPath;
  const parsed = new ParsedDocuments(new Grammars(folder));
  const hovers = new NeuronHovers(app, parsed);
  app.context.subscriptions.push(
    parsed,
    vscode.languages.registerHoverProvider(languages, hovers),
    vscode.workspace.onDidChangeTextDocument(({ document, contentChanges }) => {
      if (contentChanges.length === 0) return;
      parsed.edit(document.uri.toString(), document.version, contentChanges.map(changeOf));
    }),
    vscode.workspace.onDidCloseTextDocument((document) => {
      parsed.forget(document.uri.toString());
    }),
  );
  return hovers;
}

function changeOf({
  range,
  rangeOffset,
  rangeLength,
  text,
}: vscode.TextDocumentContentChangeEvent): TextChange {
  return {
    start: rangeOffset,
    end: rangeOffset + rangeLength,
    startPoint: { row: range.start.line, column: range.start.character },
    endPoint: { row: range.end.line, column: range.end.character },
    text,
  };
}
