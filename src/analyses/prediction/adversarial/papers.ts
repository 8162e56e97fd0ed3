import type { Paper } from '../../../protocol/report.js';

/** The papers behind the attacks. */
export const adversarialPapers: readonly Paper[] = [
  {
    id: 'satkiewicz2024',
    title: 'Towards White Box Deep Learning',
    url: 'https://arxiv.org/abs/2403.09863',
    line: 75,
  },
  {
    id: 'goodfellow2015',
    title: 'Explaining and Harnessing Adversarial Examples',
    url: 'https://arxiv.org/abs/1412.6572',
  },
  {
    id: 'madry2018',
    title: 'Towards Deep Learning Models Resistant to Adversarial Attacks',
    url: 'https://arxiv.org/abs/1706.06083',
  },
  {
    id: 'dong2018',
    title: 'Boosting Adversarial Attacks with Momentum',
    url: 'https://arxiv.org/abs/1710.06081',
  },
  {
    id: 'andriushchenko2020',
    title: 'Square Attack: a query-efficient black-box adversarial attack via random search',
    url: 'https://arxiv.org/abs/1912.00049',
  },
];
