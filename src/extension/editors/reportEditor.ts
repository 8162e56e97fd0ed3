import type * as vscode from 'vscode';
import type { App } from '../app.js';
import { KeptSubject } from '../panels/report/keptSubject.js';
import { folderOf } from '../panels/report/reportOrigin.js';
import { ReportPageHost } from '../panels/report/reportPageHost.js';

/** Shows `*.nireport.json` files as report pages; a damaged file gets a page that says what is wrong with it. */
export class ReportEditor implements vscode.CustomReadonlyEditorProvider {
  private readonly app: App;

  constructor(app: App) {
    this.app = app;
  }

  openCustomDocument(uri: vscode.Uri): vscode.CustomDocument {
    return {
      uri,
      dispose: () => {
        // The page reads the file itself and holds nothing for the document.
      },
    };
  }

  resolveCustomEditor({ uri }: vscode.CustomDocument, panel: vscode.WebviewPanel): void {
    const subject = new KeptSubject(this.app, { kind: 'file', uri: uri.toString() });
    const page = new ReportPageHost(this.app, panel, subject, folderOf(uri));
    panel.onDidDispose(() => {
      page.dispose();
    });
  }
}
