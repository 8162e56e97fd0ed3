import { onnxOperators } from '../../src/engine/gradients/onnxOperators.js';
import {
  coveredOutside,
  coverageOf,
  type OperatorCoverage,
} from '../../src/engine/gradients/operatorCoverage.js';
import type { GradientCase } from '../../test/support/gradientCase.js';
import { loweringCases } from '../../test/support/loweringCases.js';
import { caseByOperator } from '../../test/support/smallGradientCases.js';

interface Operator {
  readonly domain: string;
  readonly opType: string;
  readonly coverage: OperatorCoverage;
}

/** The columns of both tables; another kind of support is another line here. */
const columns: readonly (readonly [title: string, cell: (operator: Operator) => string])[] = [
  ['operator', ({ opType }) => `\`${opType}\``],
  ['opsets', ({ domain, opType }) => (domain === '' ? (onnxOperators.get(opType) ?? []).join(', ') : '')],
  ['reverse mode', ({ coverage }) => reverseOf(coverage)],
  ['tested shapes', ({ domain, opType }) => shapesOf(domain, opType)],
];

/** Shapes shown for one operator; the rest are counted. */
const shownCases = 3;

/** Returns the page of operators, generated from the tables and their cases. */
export function operatorsPage(): string {
  const core = [...onnxOperators.keys()].map((opType) => operatorOf('', opType));
  const others = coveredOutside().map(({ domain, opType }) => operatorOf(domain, opType));
  const missing = core.filter(({ coverage }) => coverage.kind === 'not-yet');
  return [
    '# Operators',
    '',
    'Which operators are differentiated, and how. Written by `npm run operators` from `src/engine/gradients/ruleTable.ts`,',
    '`src/engine/lowering/loweringTable.ts` and `src/engine/gradients/noGradient.ts`; the shapes are those of the cases that',
    '`npm test` compares with central differences.',
    '',
    '- **rule**: a gradient of its own.',
    '- **lowering**: differentiated through the core operators it stands for; it runs as before.',
    '- **straight through**: it rounds, and the gradient is that of its real equivalent where nothing is cut.',
    '- **traced**: packs tensors into sequences or optionals; what takes them out is followed back to what was put in.',
    '- **no gradient**: none exists, for the reason given.',
    '',
    summary(core),
    '',
    missing.length === 0
      ? 'Nothing of ai.onnx is missing.'
      : `Not done yet: ${missing.map(({ opType }) => `\`${opType}\``).join(', ')}.`,
    '',
    '## ai.onnx, opsets 6 to 26',
    '',
    ...tableOf(core),
    '',
    '## Other domains',
    '',
    "ONNX Runtime's own operators (`com.microsoft`), which its exporters and optimisers emit.",
    '',
    ...tableOf(others),
    '',
  ].join('\n');
}

function operatorOf(domain: string, opType: string): Operator {
  const [coverage] = coverageOf(domain, opType);
  if (coverage === undefined) throw new Error(`No table has ${domain}:${opType}.`);
  return { domain, opType, coverage };
}

function summary(core: readonly Operator[]): string {
  const count = (...kinds: readonly OperatorCoverage['kind'][]): number =>
    core.filter(({ coverage }) => kinds.includes(coverage.kind)).length;
  return (
    `Of ${core.length} operators of ai.onnx, ${count('rule')} have a rule, ${count('lowering')} a lowering, ` +
    `${count('packing', 'converted')} are traced or converted, ${count('no-gradient')} have no gradient and ` +
    `${count('not-yet')} ${count('not-yet') === 1 ? 'is' : 'are'} not done yet.`
  );
}

function reverseOf(coverage: OperatorCoverage): string {
  switch (coverage.kind) {
    case 'rule':
    case 'lowering':
      return coverage.isStraightThrough ? `${coverage.kind}, straight through` : coverage.kind;
    case 'packing':
      return 'traced';
    case 'converted':
      return `read as \`${coverage.into}\``;
    case 'no-gradient':
      return `no gradient: ${coverage.reason}`;
    case 'not-yet':
      return `not yet: ${coverage.reason}`;
  }
}

function shapesOf(domain: string, opType: string): string {
  const small = caseByOperator.get(opType);
  const isRuled = coverageOf(domain, opType)[0]?.kind === 'rule';
  const cases = [
    ...(isRuled && small !== undefined ? [small] : []),
    ...(loweringCases[`${domain}:${opType}`] ?? []),
  ];
  const shapes = [...new Set(cases.map(shapeText))];
  const shown = shapes.slice(0, shownCases).join('; ');
  return shapes.length > shownCases ? `${shown}; and ${shapes.length - shownCases} more` : shown;
}

/** Shapes of the operands; those that are omitted are left out. */
function shapeText({ inputs }: Pick<GradientCase, 'inputs'>): string {
  return inputs
    .flatMap((input) => {
      if (input === '') return [];
      const dims = 'dims' in input ? input.dims : 'wrt' in input ? input.wrt.dims : input;
      return [`[${dims.join(', ')}]`];
    })
    .join(' ');
}

function tableOf(operators: readonly Operator[]): readonly string[] {
  const row = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  return [
    row(columns.map(([title]) => title)),
    row(columns.map(() => '---')),
    ...operators.map((operator) => row(columns.map(([, cell]) => cell(operator)))),
  ];
}
