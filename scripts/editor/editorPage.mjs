// Opens windows of the browser-hosted editor.

/** Where the editor's page is reached with a folder or a `.code-workspace` open, or nothing. */
export function editorAddress(server, { open, developmentPaths = [], testsPath } = {}) {
  const remote = (path) => `vscode-remote://remote${path}`;
  // Read by the page only where the server was started with --enable-smoke-test-driver.
  const payload = developmentPaths.map((path) => ['extensionDevelopmentPath', remote(path)]);
  if (testsPath !== undefined) payload.push(['extensionTestsPath', remote(testsPath)]);
  const query = new URLSearchParams();
  if (payload.length > 0) query.set('payload', JSON.stringify(payload));
  if (open !== undefined) query.set(open.endsWith('.code-workspace') ? 'workspace' : 'folder', open);
  return `${server.address}/?${query}`;
}

/** Makes a page that reaches this machine only, of a context of its own: its storage is that of a new user. */
export async function newEditorPage(browser, { width = 1400, height = 900, scale = 1 } = {}) {
  const context = await browser.newContext({
    viewport: { width, height },
    deviceScaleFactor: scale,
    reducedMotion: 'reduce',
    permissions: ['clipboard-read', 'clipboard-write'],
  });
  return context.newPage();
}
