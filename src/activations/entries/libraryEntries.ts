import type { EntryText } from '../entry.js';
import { kerasActivation } from './sources.js';

/** Activations of the common libraries that ONNX has no operator for. */
export const libraryEntries = {
  'log-sigmoid': {
    names: ['LogSigmoid'],
    formula: '-softplus(-x)',
    source: kerasActivation('log_sigmoid'),
  },
  'tanh-shrink': {
    names: ['Tanhshrink'],
    formula: 'x - tanh(x)',
    source: kerasActivation('tanh_shrink'),
  },
  'soft-shrink': {
    names: ['Softshrink'],
    formula: 'if(x > lambda, x - lambda, if(x < -lambda, x + lambda, 0))',
    parameters: { lambda: 0.5 },
    source: kerasActivation('soft_shrink'),
  },
  'hard-shrink': {
    names: ['Hardshrink'],
    formula: 'if(abs(x) > lambda, x, 0)',
    parameters: { lambda: 0.5 },
    source: kerasActivation('hard_shrink'),
  },
  'sparse-plus': {
    names: ['SparsePlus'],
    formula: 'if(x <= -1, 0, if(x < 1, (x + 1) ^ 2 / 4, x))',
    source: kerasActivation('sparse_plus'),
  },
  'sparse-sigmoid': {
    names: ['SparseSigmoid'],
    formula: 'clip((x + 1) / 2, 0, 1)',
    source: kerasActivation('sparse_sigmoid'),
  },
  squareplus: {
    names: ['Squareplus'],
    formula: '(x + sqrt(x ^ 2 + b)) / 2',
    parameters: { b: 4 },
    source: kerasActivation('squareplus'),
  },
} as const satisfies Readonly<Record<string, EntryText>>;
