import { dataFileExtensions } from '../../data/dataNames.js';
import type { Lens } from './lens.js';

/** Longer files are no tests that anybody reads; the first lines of them are looked at. */
const maxLineCount = 5000;

/** Names in files that hold samples, as literals: `"samples/seven.png"`. */
const samplePath = new RegExp(
  `["'\`]([^"'\`\\n]+\\.(?:${dataFileExtensions.map((extension) => extension.slice(1)).join('|')}))["'\`]`,
  'iu',
);

const assertion = /\bassert\b|\bassert\w*\s*\(|\bself\.assert\w+\(|\bexpect\s*\(/u;

/** Words of a prediction: what models give, and what is made of it. */
const prediction = /\b(?:\w*predict\w*|preds?|arg_?max|logits?|softmax|prob(?:s|abilit(?:y|ies)))\b/iu;

const definition = /^\s*(?:async\s+)?(?:def|class|function)\b|^\s*(?:it|test|describe)\s*[.(]/u;

/**
 * Returns the offers in a test: to explain a prediction where it asserts one about a sample that it names, and where it names
 * a sample. An assertion is about the sample named last in its test, else in the file around it.
 */
export function testLenses(text: string): readonly Lens[] {
  const lines = text.split('\n').slice(0, maxLineCount);
  const lenses: Lens[] = [];
  /** The sample named last in each of the blocks that a line is in, outermost first. */
  const blocks: { readonly indent: number; path: string | undefined }[] = [{ indent: -1, path: undefined }];
  for (const [line, content] of lines.entries()) {
    if (content.trim() === '' || /^\s*(?:#|\/\/|\*)/u.test(content)) continue;
    const indent = content.length - content.trimStart().length;
    while ((blocks.at(-1)?.indent ?? -1) >= indent && !/^\s*[)\]}]/u.test(content)) blocks.pop();
    if (definition.test(content)) blocks.push({ indent, path: undefined });
    const path = samplePath.exec(content)?.[1];
    const block = blocks.at(-1);
    if (path !== undefined && block !== undefined) block.path = path;
    const about = path ?? blocks.findLast((one) => one.path !== undefined)?.path;
    const isAsserted = assertion.test(content) && prediction.test(content);
    if (about !== undefined && (isAsserted || path !== undefined)) {
      lenses.push({ kind: 'explain', line, path: about });
    }
  }
  return lenses;
}
