import type { Paper } from '../../protocol/report.js';

// Papers that analyses of several questions rest on.

/** The survey that DeconvNet, inversion and dissection are taken from. */
export const cnnVisualisationSurvey: Paper = {
  id: 'qin2018',
  title:
    'How convolutional neural network see the world - A survey of convolutional neural network visualization methods',
  url: 'https://arxiv.org/abs/1804.11191',
  line: 93,
};

/** The local activation unit. */
export const deepInterestNetwork: Paper = {
  id: 'zhou2017din',
  title: 'Deep Interest Network for Click-Through Rate Prediction',
  url: 'https://arxiv.org/abs/1706.06978',
  line: 35,
};

/** Marketing measurement: what each channel contributes over time. */
export const marketingNetworks: Paper = {
  id: 'mulc2025',
  title: 'NNN: Next-Generation Neural Networks for Marketing Measurement',
  url: 'https://arxiv.org/abs/2504.06212',
  line: 69,
};
