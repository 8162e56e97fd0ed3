// How words are written for the shells that people paste commands into.

/** A family of shells by its rules of quoting. */
export type Shell = 'posix' | 'powershell' | 'windows-powershell' | 'cmd';

/** Returns the family of a shell by its path, as the editor names the default one; the system decides when that is empty. */
export function shellOf(path: string, platform: string): Shell {
  const name = (path.split(/[\\/]/).at(-1) ?? '').toLowerCase().replace(/\.exe$/, '');
  if (name === 'cmd') return 'cmd';
  if (name === 'powershell') return 'windows-powershell';
  if (name === 'pwsh') return 'powershell';
  if (name === '' && platform === 'win32') return 'windows-powershell';
  return 'posix';
}

/** Returns the words as one command line that a shell of the family takes apart into the same words. */
export function shellLine(words: readonly string[], shell: Shell): string {
  return words.map((word) => quoted(word, shell)).join(' ');
}

/** Means the same in every shell. The tilde is not among them: at the start it stands for the home directory. */
const plain = /^[A-Za-z0-9_./:=+-]+$/;

/** A backslash is only a character on Windows. */
const plainOnWindows = /^[A-Za-z0-9_./:=+\\-]+$/;

function quoted(word: string, shell: Shell): string {
  if ((shell === 'posix' ? plain : plainOnWindows).test(word)) return word;
  switch (shell) {
    case 'posix':
      return `'${word.replaceAll("'", `'\\''`)}'`;
    case 'powershell':
      return `'${word.replaceAll("'", "''")}'`;
    case 'windows-powershell':
      // Version 5 puts words with spaces between quotes for the program and forgets those that are in them.
      return `'${programQuotes(word).replaceAll("'", "''")}'`;
    case 'cmd':
      return cmdQuoted(word);
  }
}

/** Escapes quotes, and the backslashes before them, as Windows programs take their command line apart. */
function programQuotes(word: string): string {
  return word
    .replace(/(\\*)"/g, '$1$1\\"')
    .replace(/\\+$/, (slashes) => (/\s/.test(word) ? slashes.repeat(2) : slashes));
}

/**
 * Between quotes `cmd` leaves all but % alone. Where a quote or % is in the word itself, carets keep every character from
 * meaning anything, twice: what npm installs is a batch file, which passes its words through `cmd` once more.
 */
function cmdQuoted(word: string): string {
  const escaped = word.replace(/(\\*)"/g, '$1$1\\"').replace(/\\+$/, (slashes) => slashes.repeat(2));
  const line = `"${escaped}"`;
  return /["%]/.test(word) ? withCarets(withCarets(line)) : line;
}

function withCarets(line: string): string {
  return line.replace(/[()%!^"<>&|]/g, '^$&');
}
