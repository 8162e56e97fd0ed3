/**
 * Returns a text in which files inside some folders are named from there, as what is passed on to others should name them: where
 * they lie on this machine is nobody's business. Folders that end nowhere, as `.` and `/`, are left alone.
 */
export function withoutFolders(text: string, folders: readonly string[]): string {
  const whole = [...new Set(folders.map((folder) => folder.replace(/[\\/]+$/u, '')))].filter((folder) =>
    /[\\/]./u.test(folder),
  );
  // The innermost first, or what is left of its name would stand before its files.
  return whole
    .sort((a, b) => b.length - a.length)
    .reduce((left, folder) => left.replaceAll(`${folder}/`, '').replaceAll(`${folder}\\`, ''), text);
}

/** Returns the folder that a path lies in; empty for a name alone. */
export function folderOf(path: string): string {
  return path.replace(/[\\/]?[^\\/]*$/u, '');
}
