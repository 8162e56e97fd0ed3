import type { ModelGraph } from '../../../src/protocol/structure.js';

/** Returns for each warning the first node that it names, by its name or an output, as a word of its own. */
export function warningNodes(warnings: readonly string[], { nodes }: ModelGraph): (string | undefined)[] {
  const places = new Map<string, string>();
  for (const { name, outputs } of nodes) {
    const shown = name === '' ? (outputs[0] ?? '') : name;
    for (const key of [name, ...outputs]) {
      if (key !== '' && !places.has(key)) places.set(key, shown);
    }
  }
  return warnings.map((warning) => {
    const words = warning.split(/[\s",;]+/).flatMap((word) => [word, word.replace(/[.:]$/, '')]);
    const named = words.find((word) => places.has(word));
    return named === undefined ? undefined : places.get(named);
  });
}
