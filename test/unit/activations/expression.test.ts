import assert from 'node:assert/strict';
import { derivativeOf } from '../../../src/activations/derivative.js';
import { compile } from '../../../src/activations/evaluate.js';
import { latexOf } from '../../../src/activations/latex.js';
import { parseExpression } from '../../../src/activations/parse.js';

const valueAt = (text: string, x: number, parameters: Record<string, number> = {}): number => {
  const names = Object.keys(parameters);
  return compile(parseExpression(text, names), names)(x, Object.values(parameters));
};

describe('an expression of an activation', () => {
  it('is read with the usual precedence, powers from the right', () => {
    assert.equal(valueAt('1 - 2 - 3', 0), -4);
    assert.equal(valueAt('-x ^ 2', 3), -9);
    assert.equal(valueAt('2 ^ 3 ^ 2', 0), 512);
    assert.equal(valueAt('2 / 4 * x', 6), 3);
    assert.equal(valueAt('1.5e1 + pi - pi', 0), 15);
    assert.equal(valueAt('clip(x, -1, b)', 9, { b: 2 }), 2);
    assert.equal(valueAt('if(x <= 0, 5, if(x < 1, 6, 7))', 0.5), 6);
  });

  it('names what it does not know, and where it ends too soon', () => {
    assert.throws(() => parseExpression('alpha * x'), /nothing is called alpha/);
    assert.throws(() => parseExpression('tanh(x, x)'), /no tanh of 2/);
    assert.throws(() => parseExpression('x * (1 + x'), /its end/);
    assert.throws(() => parseExpression('if(x, 1, 2)'), /at ,/);
  });

  it('has the derivative of the textbook', () => {
    const slopeAt = (text: string, x: number): number =>
      compile(derivativeOf(parseExpression(text)), [])(x, []);
    assert.equal(slopeAt('x ^ 3', 2), 12);
    assert.ok(Math.abs(slopeAt('2 ^ x', 3) - 8 * Math.LN2) < 1e-12);
    assert.ok(Math.abs(slopeAt('sin(x) / x', 2) - (2 * Math.cos(2) - Math.sin(2)) / 4) < 1e-12);
    assert.equal(slopeAt('relu(x)', -1), 0);
    assert.equal(slopeAt('relu(x)', 0), 0);
    assert.equal(slopeAt('abs(x)', -3), -1);
  });

  it('is written as LaTeX with brackets where they are needed and nowhere else', () => {
    const latex = (text: string): string => latexOf(parseExpression(text, ['alpha', 'slope']));
    assert.equal(latex('x * sigmoid(alpha * x)'), 'x \\, \\sigma\\left(\\alpha \\, x\\right)');
    assert.equal(latex('(x + 1) * 2'), '\\left(x + 1\\right) \\cdot 2');
    assert.equal(latex('x - (1 - x)'), 'x - \\left(1 - x\\right)');
    assert.equal(latex('x / (1 + abs(x))'), '\\frac{x}{1 + \\left|x\\right|}');
    assert.equal(latex('(x + 1) ^ 2'), '\\left(x + 1\\right)^{2}');
    assert.equal(
      latex('if(x >= 0, x, slope * x)'),
      '\\begin{cases} x & x \\ge 0 \\\\ \\mathrm{slope} \\, x & \\text{otherwise} \\end{cases}',
    );
  });
});
