import type { Lens } from './lens.js';

/**
 * Returns the offers in an inspect file: to run analyses where it names the model, to explain the first sample where it names
 * the data. The text may be half-written, so lines are looked at and nothing is parsed.
 */
export function inspectLenses(text: string): readonly Lens[] {
  const lines = text.split('\n');
  const lenses: Lens[] = [];
  let isInData = false;
  for (const [line, content] of lines.entries()) {
    const model = /^\s*"model"\s*:\s*"([^"]+)"/u.exec(content)?.[1];
    if (model !== undefined && !lenses.some(({ kind }) => kind === 'run')) {
      lenses.push({ kind: 'run', line, model });
    }
    isInData ||= /"data"\s*:\s*\{/u.test(content);
    if (!isInData || !/"path"\s*:\s*"[^"]+"/u.test(content)) continue;
    lenses.push({ kind: 'explain-first', line });
    break;
  }
  return lenses;
}
