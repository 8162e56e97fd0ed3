import { randomBytes } from 'node:crypto';
import * as vscode from 'vscode';
import { messageOf } from '../../base/errors.js';
import type { Logger } from '../../base/logger.js';
import type { HostToView, ViewProtocol, ViewToHost } from '../../protocol/viewMessages.js';
import { pageHtml } from './pageHtml.js';

/** What a view needs from its host. */
export interface ViewHandlers<P extends ViewProtocol> {
  /** The page has loaded (again): show it everything it needs. */
  onReady(): void;
  onTell(message: P['tell']): void | Promise<void>;
  /** Answers a question; a rejection crosses as its message. */
  onAsk(question: P['ask']): Promise<P['answers'][string]>;
}

/** Which page a webview holds. */
export interface ViewPage {
  /** Folder name under `webview/views`: the bundle is `dist/webview/<name>.js`. */
  readonly name: string;
  /** Title for screen readers. */
  readonly title: string;
  /** Folders besides `dist` and `media` that pictures may come from. */
  readonly resourceRoots?: readonly vscode.Uri[];
}

/** A view's channel, from the host's side. */
export interface AttachedView<P extends ViewProtocol> {
  /** Sends something to show; dropped while the page is not ready (`onReady` shows all again). */
  show(message: P['show']): void;
}

/** What connects a view to the rest of the extension. */
export interface ViewOptions<P extends ViewProtocol> {
  readonly handlers: ViewHandlers<P>;
  readonly extensionUri: vscode.Uri;
  readonly log: Logger;
  /** Takes the channel's listener, to be disposed with the view. */
  readonly disposables: vscode.Disposable[];
}

/** Fills a webview with a page of ours, under a strict content security policy, and connects its channel. */
export function attachView<P extends ViewProtocol>(
  webview: vscode.Webview,
  page: ViewPage,
  options: ViewOptions<P>,
): AttachedView<P> {
  const host = new ViewHost<P>(webview, page.name, options);
  options.disposables.push(
    webview.onDidReceiveMessage((message: ViewToHost<P>) => {
      host.hear(message);
    }),
  );
  webview.options = {
    enableScripts: true,
    localResourceRoots: [
      vscode.Uri.joinPath(options.extensionUri, 'dist', 'webview'),
      vscode.Uri.joinPath(options.extensionUri, 'media'),
      ...(page.resourceRoots ?? []),
    ],
  };
  webview.html = pageHtml({
    ...page,
    language: vscode.env.language,
    nonce: randomBytes(16).toString('base64'),
    source: webview.cspSource,
    built: (name) =>
      webview.asWebviewUri(vscode.Uri.joinPath(options.extensionUri, 'dist', 'webview', name)).toString(),
    texts: vscode.l10n.bundle ?? {},
  });
  return host;
}

class ViewHost<P extends ViewProtocol> implements AttachedView<P> {
  private readonly webview: vscode.Webview;
  private readonly name: string;
  private readonly handlers: ViewHandlers<P>;
  private readonly log: Logger;
  private isReady = false;

  constructor(webview: vscode.Webview, name: string, { handlers, log }: ViewOptions<P>) {
    this.webview = webview;
    this.name = name;
    this.handlers = handlers;
    this.log = log;
  }

  show(show: P['show']): void {
    if (this.isReady) this.post({ kind: 'show', show });
  }

  hear(message: ViewToHost<P>): void {
    switch (message.kind) {
      case 'ready':
        this.isReady = true;
        this.handlers.onReady();
        return;
      case 'ask':
        void this.answer(message.id, message.ask);
        return;
      case 'tell':
        void this.take(message.tell);
        return;
      case 'crashed':
        this.log.error(`${this.name} view: ${message.message}`);
        return;
    }
  }

  private async answer(id: number, question: P['ask']): Promise<void> {
    try {
      this.post({ kind: 'answer', id, answer: await this.handlers.onAsk(question) });
    } catch (error) {
      this.log.warn(`${this.name} view: ${question.kind} failed: ${messageOf(error)}`);
      this.post({ kind: 'refused', id, message: messageOf(error) });
    }
  }

  private async take(message: P['tell']): Promise<void> {
    try {
      await this.handlers.onTell(message);
    } catch (error) {
      this.log.error(`${this.name} view: ${message.kind} failed: ${messageOf(error)}`);
      void vscode.window.showErrorMessage(messageOf(error));
    }
  }

  private post(message: HostToView<P>): void {
    void this.webview.postMessage(message);
  }
}
