import { stringAttribute } from '../../../onnx/model.js';
import type { Emitter } from '../../gradients/emitter.js';
import { formUnsupported } from '../../gradients/gradientErrors.js';
import { rankOf } from '../../gradients/staticShapes.js';
import { type Composite, lowering } from '../entry.js';

/** A tensor and what its axes are called; the axes of an ellipsis are called `.0`, `.1`, … from the last one back. */
interface Term {
  readonly value: string;
  readonly labels: readonly string[];
}

/** Einsum: the operands are multiplied from left to right, each pair as a stack of matrix products. */
export const einsum = lowering({ opType: 'Einsum', domain: '', first: 12 }, (composite) => {
  const { emit, inputs } = composite;
  const { operands, result } = parse(composite);
  const terms = inputs.map((value, i): Term => ({ value, labels: operands[i] ?? [] }));
  const last = terms.reduce<Term | undefined>((left, right, i) => {
    const later = new Set([...result, ...operands.slice(i + 1).flat()]);
    const own = withoutRepeats(emit, right);
    const needed = (other: Term | undefined): Set<string> => new Set([...later, ...(other?.labels ?? [])]);
    const cut = summed(emit, own, needed(left));
    if (left === undefined) return cut;
    return multiplied(emit, summed(emit, left, needed(cut)), { right: cut, kept: later });
  }, undefined);
  if (last === undefined) return [];
  const final = summed(emit, last, new Set(result));
  return [
    emit.transpose(
      final.value,
      result.map((label) => final.labels.indexOf(label)),
    ),
  ];
});

interface Equation {
  readonly operands: readonly (readonly string[])[];
  readonly result: readonly string[];
}

function parse({ context, node, inputs }: Composite): Equation {
  const [left = '', right] = stringAttribute(node, 'equation', '').replace(/\s/gu, '').split('->');
  const words = left.split(',');
  let dotCount = 0;
  const operands = words.map((word, i) => {
    const letters = word.replace('...', '').length;
    const hidden = word.includes('...') ? rankOf(context, inputs[i] ?? '') - letters : 0;
    dotCount = Math.max(dotCount, hidden);
    return labelsOf(word, hidden);
  });
  if (words.length !== inputs.length) throw formUnsupported(node, `the equation "${left}"`);
  return { operands, result: labelsOf(right ?? implied(left), dotCount) };
}

/** Without an arrow the result has the ellipsis and the letters that occur once, in their order. */
function implied(left: string): string {
  const letters = Array.from(left.replace(/[.,]/gu, ''));
  const once = letters.filter((letter) => letters.indexOf(letter) === letters.lastIndexOf(letter)).sort();
  return (left.includes('...') ? '...' : '') + once.join('');
}

function labelsOf(word: string, hidden: number): readonly string[] {
  const dots = Array.from({ length: hidden }, (_, i) => `.${String(hidden - 1 - i)}`);
  const [before = '', after] = word.split('...');
  return after === undefined ? Array.from(before) : [...Array.from(before), ...dots, ...Array.from(after)];
}

/** A label that occurs twice in one operand means its diagonal: everything else is masked and summed away. */
function withoutRepeats(emit: Emitter, { value, labels }: Term): Term {
  const axis = labels.findIndex((label, i) => labels.indexOf(label) !== i);
  if (axis < 0) return { value, labels };
  const first = labels.indexOf(labels[axis] ?? '');
  const count = emit.node('Range', [
    emit.intScalar(0),
    emit.squeeze(emit.shape(value, axis, axis + 1), [0]),
    emit.intScalar(1),
  ]);
  const at = (own: number): string =>
    emit.unsqueeze(
      count,
      labels.flatMap((_, other) => (other === own ? [] : [other])),
    );
  const isSame = emit.node('Equal', [at(first), at(axis)]);
  const diagonal = emit.sum(emit.maskWhere(isSame, value), [axis], false);
  return withoutRepeats(emit, { value: diagonal, labels: labels.filter((_, i) => i !== axis) });
}

/** Sums over the axes that nobody needs. */
function summed(emit: Emitter, { value, labels }: Term, needed: ReadonlySet<string>): Term {
  const axes = labels.flatMap((label, axis) => (needed.has(label) ? [] : [axis]));
  return { value: emit.sum(value, axes, false), labels: labels.filter((label) => needed.has(label)) };
}

/** [stack …, own left, shared] × [stack …, shared, own right], where what both share and nobody needs is summed over. */
function multiplied(
  emit: Emitter,
  left: Term,
  { right, kept }: { readonly right: Term; readonly kept: ReadonlySet<string> },
): Term {
  const inBoth = left.labels.filter((label) => right.labels.includes(label));
  const stack = inBoth.filter((label) => kept.has(label));
  const shared = inBoth.filter((label) => !kept.has(label));
  const own = (term: Term): readonly string[] => term.labels.filter((label) => !inBoth.includes(label));
  const [rows, columns] = [own(left), own(right)];
  const a = turned(emit, left, [...stack, ...rows, ...shared]);
  const b = turned(emit, right, [...stack, ...shared, ...columns]);
  const groups = stack.length;
  const product = emit.node('MatMul', [
    merged(emit, a, [groups, rows.length, shared.length]),
    merged(emit, b, [groups, shared.length, columns.length]),
  ]);
  const labels = [...stack, ...rows, ...columns];
  if (rows.length === 1 && columns.length === 1) return { value: product, labels };
  const start = groups + shared.length;
  const sizes = [
    ...(groups > 0 ? [emit.shape(product, 0, groups)] : []),
    ...(rows.length > 0 ? [emit.shape(a, groups, groups + rows.length)] : []),
    ...(columns.length > 0 ? [emit.shape(b, start, start + columns.length)] : []),
  ];
  const shape = sizes.length === 0 ? emit.ints([]) : emit.concat(sizes, 0);
  return { value: emit.reshape(product, shape), labels };
}

function turned(emit: Emitter, { value, labels }: Term, order: readonly string[]): string {
  return emit.transpose(
    value,
    order.map((label) => labels.indexOf(label)),
  );
}

/** Reshapes [stack …, first …, second …] so that first and second are one axis each. */
function merged(
  emit: Emitter,
  value: string,
  [stack, first, second]: readonly [stack: number, first: number, second: number],
): string {
  if (first === 1 && second === 1) return value;
  const size = (from: number, count: number): string => {
    if (count === 0) return emit.ints([1]);
    const sizes = emit.shape(value, from, from + count);
    return count === 1 ? sizes : emit.builder.reduce('ReduceProd', sizes, [0], true);
  };
  const sizes = [size(stack, first), size(stack + first, second)];
  return emit.reshape(value, emit.concat([...(stack > 0 ? [emit.shape(value, 0, stack)] : []), ...sizes], 0));
}
