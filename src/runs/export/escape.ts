const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** Returns text as HTML shows it, safe in elements and in quoted attributes. */
export function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => entities[character] ?? character);
}

/** Returns text as XML 1.0 shows it; characters that XML cannot hold at all become `�`. */
export function escapeXml(text: string): string {
  const allowed = text
    .replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g, '�')
    .replace(/\p{Surrogate}/gu, '�');
  return escapeHtml(allowed).replaceAll('\n', '&#10;');
}

/** Returns text as Markdown shows it, in a paragraph or a table cell: nothing in it is markup. */
export function escapeMarkdown(text: string): string {
  return text
    .replace(/[\\`*_{}[\]<>#|~&!]/g, (character) => `\\${character}`)
    .replace(/\r?\n/g, ' ')
    .replace(/^(\s*)([-+]|\d+[.)])(?=\s|$)/, (_, space: string, mark: string) => `${space}\\${mark}`);
}
