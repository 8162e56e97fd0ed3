/** Returns the folders, relative to the repository, of the packages that bundled files come from. */
export function bundledPackageDirs(inputs: readonly string[]): string[] {
  const dirs = new Set<string>();
  for (const input of inputs) {
    // In a checkout whose node_modules is a link, paths begin with a way out of it.
    const start = input.indexOf('node_modules/');
    if (start < 0) continue;
    const dir = /^(.*node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(input.slice(start))?.[1];
    if (dir !== undefined) dirs.add(dir);
  }
  return [...dirs].sort();
}
