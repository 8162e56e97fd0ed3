import type { RegionNode } from './grow.js';
import type { HalfSpace } from './region.js';

/** What trees are written with. */
export interface TreeNames {
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
}

/** Languages that trees are written in. */
export const treeLanguages = ['python', 'javascript'] as const;

/** Returns a form in full precision, as both languages read it: `0.5 * x[0] - 1.25 * x[2] + 0.1`. */
function formCode({ weights, bias }: HalfSpace): string {
  const terms = [...weights].flatMap((weight, i) =>
    weight === 0 ? [] : [`${String(weight)} * x[${String(i)}]`],
  );
  return [...terms, String(bias)].join(' + ');
}

/** Returns a function `network(x)` that gives the list of outputs; a branch that was not grown raises an error. */
export function treeCode(root: RegionNode, language: (typeof treeLanguages)[number]): string {
  const isPython = language === 'python';
  const lines: string[] = [];
  const write = (node: RegionNode, depth: number): void => {
    const indent = (isPython ? '    ' : '  ').repeat(depth);
    if (node.kind === 'leaf') {
      const values = node.outputs.map(formCode).join(', ');
      lines.push(`${indent}return [${values}]${isPython ? '' : ';'}`);
    } else if (node.kind === 'open') {
      lines.push(
        isPython
          ? `${indent}raise ValueError("not grown: raise maxLeaves")`
          : `${indent}throw new Error('not grown: raise maxLeaves');`,
      );
    } else {
      const question = `${formCode(node.wall)} <= 0`;
      lines.push(
        isPython ? `${indent}if ${question}:  # ${node.unit}` : `${indent}if (${question}) { // ${node.unit}`,
      );
      write(node.below, depth + 1);
      lines.push(isPython ? `${indent}else:` : `${indent}} else {`);
      write(node.above, depth + 1);
      if (!isPython) lines.push(`${indent}}`);
    }
  };
  lines.push(isPython ? 'def network(x):' : 'function network(x) {');
  write(root, 1);
  if (!isPython) lines.push('}');
  return lines.join('\n');
}

/** Returns the tree as a graph in the DOT language, questions and outputs to three digits. */
export function treeDot(root: RegionNode, names: TreeNames): string {
  const lines = ['digraph tree {', '  node [shape=box];'];
  let count = 0;
  const write = (node: RegionNode): number => {
    const id = count++;
    lines.push(`  n${String(id)} [label=${JSON.stringify(nodeText(node, names))}];`);
    if (node.kind === 'split') {
      for (const [child, label] of [
        [node.below, 'yes'],
        [node.above, 'no'],
      ] as const) {
        lines.push(`  n${String(id)} -> n${String(write(child))} [label=${label}];`);
      }
    }
    return id;
  };
  write(root);
  return [...lines, '}'].join('\n');
}

/** Returns what a node asks or gives, in words and three digits. */
export function nodeText(node: RegionNode, names: TreeNames): string {
  switch (node.kind) {
    case 'split':
      return `${node.unit}: ${formText(node.wall, names.inputs)} ≤ 0?`;
    case 'open':
      return 'not grown';
    case 'leaf':
      return `region ${String(node.index)}: ${node.outputs
        .map((form, i) => `${names.outputs[i] ?? ''} = ${formText(form, names.inputs)}`)
        .join('; ')}`;
  }
}

/** Terms of a form that are spelled out. */
const shownTerms = 6;

/** Returns a form with its largest terms: `0.5 age − 1.25 income + 0.1`. */
export function formText({ weights, bias }: HalfSpace, inputs: readonly string[]): string {
  const terms = [...weights.entries()]
    .filter(([, weight]) => weight !== 0)
    .sort(([, a], [, b]) => Math.abs(b) - Math.abs(a));
  const shown = terms.slice(0, shownTerms).map(([i, weight]) => signedText(weight, ` ${inputs[i] ?? ''}`));
  const more = terms.length > shownTerms ? [`+ … (${String(terms.length - shownTerms)} more)`] : [];
  const text = [...shown, ...more, signedText(bias, '')].join(' ');
  return text.startsWith('+ ') ? text.slice(2) : text;
}

function signedText(value: number, suffix: string): string {
  return `${value < 0 ? '−' : '+'} ${String(Number(Math.abs(value).toPrecision(3)))}${suffix}`;
}
