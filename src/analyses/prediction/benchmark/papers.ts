import type { Paper } from '../../../protocol/report.js';
import type { PaperRow } from '../../analysis.js';
import { attributionPapers } from '../attribution/papers.js';

const benchmarkPaper: Paper = {
  id: 'nourelahi2022',
  title: 'How explainable are adversarially-robust CNNs?',
  url: 'https://arxiv.org/abs/2205.13042',
  line: 179,
};

/** The papers behind the measures. */
const measurePapers: readonly Paper[] = [
  {
    id: 'petsiuk2018',
    title: 'RISE: Randomized Input Sampling for Explanation of Black-box Models',
    url: 'https://arxiv.org/abs/1806.07421',
  },
  {
    id: 'zhang2016',
    title: 'Top-down Neural Attention by Excitation Backprop',
    url: 'https://arxiv.org/abs/1608.00507',
  },
  {
    id: 'ancona2017',
    title: 'Towards better understanding of gradient-based attribution methods for Deep Neural Networks',
    url: 'https://arxiv.org/abs/1711.06104',
  },
  {
    id: 'yeh2019',
    title: 'On the (In)fidelity and Sensitivity for Explanations',
    url: 'https://arxiv.org/abs/1901.09392',
  },
  {
    id: 'adebayo2018',
    title: 'Sanity Checks for Saliency Maps',
    url: 'https://arxiv.org/abs/1810.03292',
  },
  {
    id: 'chalasani2018',
    title: 'Concise Explanations of Neural Networks using Adversarial Training',
    url: 'https://arxiv.org/abs/1810.06583',
  },
];

/** All papers that a benchmark may cite: its own, those of the measures and those of the methods. */
export const benchmarkPapers: readonly Paper[] = [
  benchmarkPaper,
  ...measurePapers,
  ...attributionPapers
    .filter(({ id }) => !measurePapers.some((paper) => paper.id === id))
    // The lines of these papers belong to attribution.
    .map(({ id, title, url }) => (url === undefined ? { id, title } : { id, title, url })),
];

/** The id of the paper that the comparison comes from. */
export const benchmarkPaperId = benchmarkPaper.id;

/** How the paper becomes something to run. */
export const benchmarkRows: readonly PaperRow[] = [
  {
    line: 179,
    limits:
      'Compares methods on one model; to compare models as the paper does, run it on each and compare the reports. The pointing game needs masks, which must be given. Sensitivity-n, infidelity, max-sensitivity, sparseness and the sanity check are not in the paper.',
  },
];
