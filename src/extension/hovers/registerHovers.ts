import * as vscode from 'vscode';
import type { App } from '../app.js';
import { loadLatePart } from '../loadLatePart.js';
import type { ParsedDocuments, TextChange } from './code/parsedDocuments.js';
import type { NeuronHovers } from './neuronHovers.js';

/** Languages whose documents are read. */
const languages = [
  ...['python', 'typescript', 'typescriptreact', 'javascript', 'javascriptreact'],
  ...['markdown', 'json', 'jsonc'],
];

interface LoadedHovers {
  readonly hovers: NeuronHovers;
  readonly parsed: ParsedDocuments;
}

/** Registers the hovers and returns their provider; code and grammars are loaded and documents parsed on the first hover. */
export function registerHovers(app: App): vscode.HoverProvider {
  let loaded: LoadedHovers | undefined;
  const load = async (): Promise<LoadedHovers> => {
    const { Grammars, NeuronHovers, ParsedDocuments } = await loadLatePart();
    if (loaded !== undefined) return loaded;
    const folder = vscode.Uri.joinPath(app.extensionUri, 'dist', 'tree-sitter').fsPath;
    const parsed = new ParsedDocuments(new Grammars(folder));
    app.context.subscriptions.push(parsed);
    loaded = { hovers: new NeuronHovers(app, parsed), parsed };
    return loaded;
  };
  const provider: vscode.HoverProvider = {
    provideHover: async (...args) => (await load()).hovers.provideHover(...args),
  };
  app.context.subscriptions.push(
    vscode.languages.registerHoverProvider(languages, provider),
    // What was not parsed yet is read as it is then.
    vscode.workspace.onDidChangeTextDocument(({ document, contentChanges }) => {
      if (contentChanges.length === 0) return;
      loaded?.parsed.edit(document.uri.toString(), document.version, contentChanges.map(changeOf));
    }),
    vscode.workspace.onDidCloseTextDocument((document) => {
      loaded?.parsed.forget(document.uri.toString());
    }),
  );
  return provider;
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
