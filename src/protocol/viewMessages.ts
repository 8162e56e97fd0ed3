// What crosses between the extension host and a view (a webview page). Every view has one closed protocol: what it shows,
// what it may ask (answered exactly once) and what it may tell. Nothing here knows vscode or the DOM.

/** The protocol of one view: unions of plain objects by `kind`. `asks` maps a question's kind to its answer. */
export interface ViewProtocol {
  /** Host → view. */
  readonly show: { readonly kind: string };
  /** View → host, answered by `answers[kind]`. */
  readonly ask: { readonly kind: string };
  readonly answers: Readonly<Record<string, unknown>>;
  /** View → host, not answered. */
  readonly tell: { readonly kind: string };
}

/** Host → view, as it crosses. */
export type HostToView<P extends ViewProtocol> =
  | { readonly kind: 'show'; readonly show: P['show'] }
  | { readonly kind: 'answer'; readonly id: number; readonly answer: unknown }
  /** The question failed: `message` says what happened and what to do. */
  | { readonly kind: 'refused'; readonly id: number; readonly message: string };

/** View → host, as it crosses. `ready` comes once per page load, after which `show` messages are heard. */
export type ViewToHost<P extends ViewProtocol> =
  | { readonly kind: 'ready' }
  | { readonly kind: 'ask'; readonly id: number; readonly ask: P['ask'] }
  | { readonly kind: 'tell'; readonly tell: P['tell'] }
  /** An error the page could not handle, for the log. */
  | { readonly kind: 'crashed'; readonly message: string };

/** What every view may tell: links that lead out of it. */
export type LinkTell =
  /** Opens the page of a neuron or the place of a layer. */
  | { readonly kind: 'open-address'; readonly address: string }
  /** Opens a report that the shown one puts together, by its file there. */
  | { readonly kind: 'open-part'; readonly file: string }
  /** Opens a web page outside, after the editor asked. Only https. */
  | { readonly kind: 'open-url'; readonly url: string };
