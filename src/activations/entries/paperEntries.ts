import type { EntryText } from '../entry.js';
import { arxiv } from './sources.js';

const gelus = arxiv('1606.08415', 2016, 'Gaussian Error Linear Units (GELUs)');
const swish = arxiv('1710.05941', 2017, 'Searching for Activation Functions');
const tanhSoft = arxiv(
  '2009.03863',
  2020,
  'TanhSoft -- a family of activation functions combining Tanh and Softplus',
);
const eis = arxiv(
  '2009.13501',
  2020,
  'EIS – a family of activation functions combining Exponential, ISRU, and Softplus',
);
const golden = arxiv('1808.00783', 2018, 'The Quest for the Golden Activation Function');
const isrlu = arxiv(
  '1710.09967',
  2017,
  'Improving Deep Learning by Inverse Square Root Linear Units (ISRLUs)',
);

/** Activations as papers define them. */
export const paperEntries = {
  silu: {
    names: ['SiLU', 'Swish'],
    formula: 'x * sigmoid(x)',
    source: swish,
  },
  swish: {
    names: ['Swish-β'],
    formula: 'x * sigmoid(beta * x)',
    parameters: { beta: 1 },
    source: swish,
    operator: 'Swish',
  },
  'quick-gelu': {
    names: ['QuickGELU', 'GELU, approximated by sigmoid'],
    formula: 'x * sigmoid(1.702 * x)',
    source: gelus,
    operator: 'com.microsoft:QuickGelu',
  },
  serf: {
    names: ['Serf', 'Log-softplus error activation'],
    formula: 'x * erf(softplus(x))',
    source: arxiv(
      '2108.09598',
      2021,
      'SERF: Towards better training of deep neural networks using log-Softplus ERror activation Function',
    ),
  },
  'tanh-exp': {
    names: ['TanhExp'],
    formula: 'x * tanh(exp(x))',
    source: arxiv(
      '2003.09855',
      2020,
      'TanhExp: A Smooth Activation Function with High Convergence Speed for Lightweight Neural Networks',
    ),
  },
  lisht: {
    names: ['LiSHT', 'Linearly scaled hyperbolic tangent'],
    formula: 'x * tanh(x)',
    source: arxiv(
      '1901.05894',
      2019,
      'LiSHT: Non-Parametric Linearly Scaled Hyperbolic Tangent Activation Function for Neural Networks',
    ),
  },
  snake: {
    names: ['Snake'],
    formula: 'x + sin(a * x) ^ 2 / a',
    parameters: { a: 1 },
    source: arxiv('2006.08195', 2020, 'Neural Networks Fail to Learn Periodic Functions and How to Fix It'),
  },
  siren: {
    names: ['SIREN sine'],
    formula: 'sin(omega * x)',
    parameters: { omega: 30 },
    source: arxiv('2006.09661', 2020, 'Implicit Neural Representations with Periodic Activation Functions'),
  },
  isru: {
    names: ['ISRU', 'Inverse square root unit'],
    formula: 'x / sqrt(1 + alpha * x ^ 2)',
    parameters: { alpha: 1 },
    source: isrlu,
  },
  isrlu: {
    names: ['ISRLU', 'Inverse square root linear unit'],
    formula: 'if(x >= 0, x, x / sqrt(1 + alpha * x ^ 2))',
    parameters: { alpha: 1 },
    source: isrlu,
  },
  'squared-relu': {
    names: ['Squared ReLU', 'ReLU²'],
    formula: 'relu(x) ^ 2',
    source: arxiv('2109.08668', 2021, 'Primer: Searching for Efficient Transformers for Language Modeling'),
  },
  'star-relu': {
    names: ['StarReLU'],
    formula: 's * relu(x) ^ 2 + b',
    parameters: { s: 0.8944, b: -0.4472 },
    source: arxiv('2210.13452', 2022, 'MetaFormer Baselines for Vision'),
  },
  crrelu: {
    names: ['CRReLU', 'Correction regularized ReLU'],
    formula: 'relu(x) + epsilon * x * exp(-x ^ 2 / 2)',
    parameters: { epsilon: 0.01 },
    source: {
      title: 'A Method on Searching Better Activation Functions',
      year: 2024,
      url: 'https://openreview.net/forum?id=7TZYM6Hm9p',
    },
  },
  cauchy: {
    names: ['Cauchy activation'],
    formula: '(lambda1 * x + lambda2) / (x ^ 2 + d ^ 2)',
    parameters: { lambda1: 0.01, lambda2: 0.01, d: 1 },
    source: arxiv('2409.19221', 2024, 'Cauchy activation function and XNet'),
  },
  tanhsoft: {
    names: ['TanhSoft'],
    formula: 'tanh(alpha * x) * softplus(x)',
    parameters: { alpha: 0.87 },
    source: tanhSoft,
  },
  'tanhsoft-exp': {
    names: ['TanhSoft (exponential)'],
    formula: 'x * tanh(alpha * exp(x))',
    parameters: { alpha: 0.6 },
    source: tanhSoft,
  },
  'e-swish': {
    names: ['E-swish'],
    formula: 'beta * x * sigmoid(x)',
    parameters: { beta: 1.5 },
    source: arxiv('1801.07145', 2018, 'E-swish: Adjusting Activations to Different Network Depths'),
  },
  elish: {
    names: ['ELiSH', 'Exponential linear squashing'],
    formula: 'if(x >= 0, x, exp(x) - 1) * sigmoid(x)',
    source: golden,
  },
  'hard-elish': {
    names: ['HardELiSH'],
    formula: 'if(x >= 0, x, exp(x) - 1) * clip((x + 1) / 2, 0, 1)',
    source: golden,
  },
  'flatten-t-swish': {
    names: ['Flatten-T Swish', 'FTS'],
    formula: 'relu(x) * sigmoid(x) + threshold',
    parameters: { threshold: -0.2 },
    source: arxiv(
      '1812.06247',
      2018,
      'Flatten-T Swish: a thresholded ReLU-Swish-like activation function for deep learning',
    ),
  },
  'growing-cosine': {
    names: ['GCU', 'Growing cosine unit'],
    formula: 'x * cos(x)',
    source: arxiv(
      '2108.12943',
      2021,
      'Growing Cosine Unit: A Novel Oscillatory Activation Function That Can Speedup Training and Reduce Parameters in Convolutional Neural Networks',
    ),
  },
  nlrelu: {
    names: ['NLReLU', 'Natural-logarithm-rectified linear unit'],
    formula: 'log(beta * relu(x) + 1)',
    parameters: { beta: 1 },
    source: arxiv(
      '1908.03682',
      2019,
      'Natural-Logarithm-Rectified Activation Function in Convolutional Neural Networks',
    ),
  },
  smelu: {
    names: ['SmeLU', 'Smooth ReLU'],
    formula: 'if(x <= -beta, 0, if(x < beta, (x + beta) ^ 2 / (4 * beta), x))',
    parameters: { beta: 0.5 },
    source: arxiv(
      '2202.06499',
      2022,
      'Real World Large Scale Recommendation Systems Reproducibility and Smooth Activations',
    ),
  },
  'lecun-tanh': {
    names: ['LeCun’s tanh'],
    formula: '1.7159 * tanh(2 / 3 * x)',
    source: {
      title: 'Efficient BackProp',
      year: 1998,
      url: 'http://yann.lecun.com/exdb/publis/pdf/lecun-98b.pdf',
    },
  },
  'eis-exponential': {
    names: ['EIS (exponential)'],
    formula: 'x * softplus(x) / (x + delta * exp(-x))',
    parameters: { delta: 1.16 },
    source: eis,
  },
  'eis-root': {
    names: ['EIS (inverse square root)'],
    formula: 'x * softplus(x) / sqrt(1 + x ^ 2)',
    source: eis,
  },
  hosc: {
    names: ['HOSC', 'Hyperbolic oscillator with saturation control'],
    formula: 'tanh(beta * sin(omega * x))',
    parameters: { beta: 1, omega: 1 },
    source: arxiv(
      '2601.07870',
      2026,
      'HOSC: A Periodic Activation with Saturation Control for High-Fidelity Implicit Neural Representations',
    ),
  },
} as const satisfies Readonly<Record<string, EntryText>>;
