/** What a page's HTML is made of. */
export interface PageParts {
  /** Folder name under `webview/views`. */
  readonly name: string;
  /** Title for screen readers. */
  readonly title: string;
  readonly language: string;
  /** Unguessable; marks the only scripts that run. */
  readonly nonce: string;
  /** Where styles, fonts, pictures and data may come from, as a source of a content security policy. */
  readonly source: string;
  /** Address of a built file, by its name in `dist/webview`; of the folder itself for an empty name. */
  readonly built: (name: string) => string;
  /** Translated texts by their English. */
  readonly texts: Readonly<Record<string, unknown>>;
}

/**
 * Returns the HTML of a page: no inline script or style, nothing from elsewhere, no eval. Workers start from blobs,
 * because a webview's own origin serves none; what they are made of is fetched from the extension. Knows nothing of the
 * editor, so that tests load pages under the very policy they ship with.
 */
export function pageHtml({ name, title, language, nonce, source, built, texts }: PageParts): string {
  const policy = [
    `default-src 'none'`,
    `script-src 'nonce-${nonce}'`,
    `style-src ${source}`,
    `font-src ${source}`,
    `img-src ${source} data: blob:`,
    `connect-src ${source}`,
    `worker-src blob:`,
  ].join('; ');
  const bundle = JSON.stringify(texts).replaceAll('<', '\\u003c');
  return `<!DOCTYPE html>
<html lang="${language}">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeText(title)}</title>
<link rel="stylesheet" href="${built('codicon.css')}" id="vscode-codicon-stylesheet">
<link rel="stylesheet" href="${built(`${name}-style.css`)}">
<script type="application/json" id="l10n" nonce="${nonce}">${bundle}</script>
</head>
<body data-base="${built('')}">
<script type="module" nonce="${nonce}" src="${built(`${name}.js`)}"></script>
</body>
</html>`;
}

function escapeText(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
