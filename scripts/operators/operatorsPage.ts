import { onnxOperators } from '../../src/engine/gradients/onnxOperators.js';
import {
  coveredOutside,
  coverageOf,
  type OperatorCoverage,
} from '../../src/engine/gradients/operatorCoverage.js';
import { createRandom } from '../../src/base/random.js';
import { makeNode } from '../../src/engine/graph/graphBuilder.js';
import { activationFamilyOf } from '../../src/onnx/layers/activationOperators.js';
import { qualifiedOperator } from '../../src/onnx/model.js';
import { buildCase, type GradientCase } from '../../test/support/gradientCase.js';
import { loweringCases } from '../../test/support/loweringCases.js';
import { lowerWhole } from '../../test/support/loweringCheck.js';
import { quantisedCases } from '../../test/support/quantisedCases.js';
import { caseByOperator, withoutOperands } from '../../test/support/smallGradientCases.js';
import { testedElsewhere } from '../../test/support/testedElsewhere.js';

interface Operator {
  readonly domain: string;
  readonly opType: string;
  readonly coverage: OperatorCoverage;
}

/** The columns of both tables; another kind of support is another line here. */
const columns: readonly (readonly [title: string, cell: (operator: Operator) => string])[] = [
  ['operator', ({ opType }) => `\`${opType}\``],
  ['opsets', ({ domain, opType }) => (domain === '' ? (onnxOperators.get(opType) ?? []).join(', ') : '')],
  ['lowering', (operator) => loweringOf(operator)],
  ['reverse mode', ({ coverage }) => reverseOf(coverage)],
  ['forward mode', (operator) => forwardOf(operator)],
  ['interventions', (operator) => interventionsOf(operator)],
  ['tested shapes', (operator) => shapesOf(operator)],
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
    '`npm test` compares with central differences, at the first and the last opset of a rule.',
    '',
    'Lowering: the core operators that it is differentiated through; it runs as before.',
    '',
    'Reverse mode:',
    '',
    '- **rule**: a gradient of its own.',
    '- **lowering**: through the core operators of the column before.',
    '- **straight through**: it rounds, and the gradient is that of its real equivalent where nothing is cut.',
    '- **traced**: packs tensors into sequences or optionals; what takes them out is followed back to what was put in.',
    '- **no gradient**: none exists, for the reason given.',
    '',
    'Forward mode and second order follow from the reverse mode. **compared**: Jacobian- and Hessian-vector products equal',
    'differences and each other at the first of the shapes (`test/numeric/gradients/secondOrder.test.ts`).',
    '',
    'Interventions: every change can be laid on every tensor. **compared**: changes of its result are compared with plain',
    'arithmetic (`test/numeric/engine/interventionsEverywhere.test.ts`). **function**: another activation can take its place.',
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

/** The cases of an operator that tests walk. */
function casesOf({ domain, opType, coverage }: Operator): readonly GradientCase[] {
  const small = coverage.kind === 'rule' && !withoutOperands.includes(opType) && caseByOperator.get(opType);
  const lowered = (loweringCases[`${domain}:${opType}`] ?? []).map((given) => ({
    ...given,
    op: opType,
    domain,
  }));
  return [...(small ? [{ ...small, op: opType, domain }] : []), ...lowered];
}

/** The core operators that the cases of a composite become. */
function loweringOf(operator: Operator): string {
  if (operator.coverage.kind !== 'lowering') return '';
  const made = casesOf(operator).flatMap((given) =>
    lowerWhole(buildCase(given, createRandom(1)).model).graph.nodes.map(qualifiedOperator),
  );
  const names = [...new Set(made)].filter((name) => name !== 'Constant').sort();
  if (names.length > 0) return names.join(', ');
  return operator.coverage.isStraightThrough || isQuantised(operator)
    ? 'its real equivalent'
    : 'what was put in';
}

function isQuantised({ opType }: Operator): boolean {
  return quantisedCases[opType] !== undefined;
}

function forwardOf(operator: Operator): string {
  const { coverage } = operator;
  if (coverage.kind !== 'rule' && coverage.kind !== 'lowering') return '';
  if (coverage.isStraightThrough) return 'straight through';
  return casesOf(operator).length > 0 ? 'compared' : 'follows';
}

function interventionsOf(operator: Operator): string {
  const { domain, opType, coverage } = operator;
  if (coverage.kind === 'packing') return 'makes no tensor';
  const isActivation =
    activationFamilyOf(makeNode(opType, ['x'], { outputs: ['y'], domain }), new Map()) !== undefined;
  const laid = casesOf(operator).length > 0 ? ['compared'] : [];
  return [...laid, ...(isActivation ? ['function'] : [])].join(', ');
}

function shapesOf(operator: Operator): string {
  const shapes = [...new Set(casesOf(operator).map(shapeText))];
  const quantised = quantisedCases[operator.opType];
  if (shapes.length === 0 && quantised !== undefined) shapes.push(`[${quantised.dims.join(', ')}]`);
  const file = testedElsewhere[`${operator.domain}:${operator.opType}`];
  if (shapes.length === 0) return file === undefined ? '' : `\`${file}\``;
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
