import type { Choice, Expression, OperationName } from './expression.js';

/** How tightly a formula holds together: what is looser inside something tighter gets brackets. */
type Level = 'sum' | 'product' | 'power' | 'atom';

const levels: readonly Level[] = ['sum', 'product', 'power', 'atom'];

interface Formula {
  readonly text: string;
  readonly level: Level;
}

/** Returns an expression as LaTeX, for math mode. */
export function latexOf(expression: Expression): string {
  return formulaOf(expression).text;
}

function formulaOf(expression: Expression): Formula {
  switch (expression.kind) {
    case 'number':
      return { text: numberText(expression.value), level: expression.value < 0 ? 'sum' : 'atom' };
    case 'input':
      return { text: 'x', level: 'atom' };
    case 'parameter':
      return { text: symbolOf(expression.name), level: 'atom' };
    case 'choice':
      return { text: casesOf(expression), level: 'atom' };
    case 'call':
      return callOf(expression.operation, expression.operands);
  }
}

/** Six digits, π where it is one. */
function numberText(value: number): string {
  if (value === Math.PI) return '\\pi';
  const [digits = '', exponent] = String(Number(value.toPrecision(6))).split('e');
  return exponent === undefined ? digits : `${digits} \\cdot 10^{${String(Number(exponent))}}`;
}

const greek = /^(alpha|beta|gamma|delta|epsilon|theta|lambda|mu|sigma|tau|omega)$/;

function symbolOf(name: string): string {
  return greek.test(name) ? `\\${name}` : name.length === 1 ? name : `\\mathrm{${name}}`;
}

function casesOf(expression: Choice): string {
  const rows: string[] = [];
  let rest: Expression = expression;
  while (rest.kind === 'choice') {
    const relation = { '<': '<', '<=': '\\le', '>': '>', '>=': '\\ge' }[rest.relation];
    rows.push(`${latexOf(rest.then)} & ${latexOf(rest.left)} ${relation} ${latexOf(rest.right)}`);
    rest = rest.otherwise;
  }
  rows.push(`${latexOf(rest)} & \\text{otherwise}`);
  return `\\begin{cases} ${rows.join(' \\\\ ')} \\end{cases}`;
}

function callOf(operation: OperationName, operands: readonly Expression[]): Formula {
  const [a = '', b = ''] = operands.map(latexOf);
  const [first, second] = operands;
  const inside = (operand: Expression | undefined, level: Level): string =>
    operand === undefined ? '' : bracketed(formulaOf(operand), level);
  switch (operation) {
    case 'negate':
      return { text: `-${inside(first, 'product')}`, level: 'sum' };
    case 'add':
      return {
        text: `${inside(first, 'sum')} + ${b.startsWith('-') ? `\\left(${b}\\right)` : b}`,
        level: 'sum',
      };
    case 'subtract':
      return { text: `${inside(first, 'sum')} - ${inside(second, 'product')}`, level: 'sum' };
    case 'multiply':
      return { text: productText(inside(first, 'product'), inside(second, 'product')), level: 'product' };
    case 'divide':
      return { text: `\\frac{${a}}{${b}}`, level: 'power' };
    case 'power':
      return { text: `${inside(first, 'atom')}^{${b}}`, level: 'power' };
    case 'exp':
      return { text: `e^{${a}}`, level: 'power' };
    case 'abs':
      return { text: `\\left|${a}\\right|`, level: 'atom' };
    case 'sqrt':
      return { text: `\\sqrt{${a}}`, level: 'atom' };
    case 'softplus':
      return { text: `\\ln\\left(1 + e^{${a}}\\right)`, level: 'product' };
    default:
      return {
        text: `${functionNames[operation]}\\left(${operands.map(latexOf).join(', ')}\\right)`,
        level: 'product',
      };
  }
}

const functionNames = {
  log: '\\ln',
  sign: '\\operatorname{sgn}',
  sin: '\\sin',
  cos: '\\cos',
  atan: '\\arctan',
  asinh: '\\operatorname{arsinh}',
  tanh: '\\tanh',
  sigmoid: '\\sigma',
  erf: '\\operatorname{erf}',
  max: '\\max',
  min: '\\min',
} as const;

/** Two numbers side by side would read as one. */
function productText(a: string, b: string): string {
  return /^\d/.test(b) ? `${a} \\cdot ${b}` : `${a} \\, ${b}`;
}

function bracketed({ text, level }: Formula, least: Level): string {
  return levels.indexOf(level) < levels.indexOf(least) ? `\\left(${text}\\right)` : text;
}
