import type { Paper } from '../../../protocol/report.js';
import type { PaperRow } from '../../analysis.js';
import { cnnVisualisationSurvey, deepInterestNetwork, marketingNetworks } from '../../shared/papers.js';

/** The workflow that compares Shapley values with importances by permutation and of aspects. */
export const shapleyWorkflow: Paper = {
  id: 'alzheimerWorkflow',
  title:
    'Machine Learning Workflow to Explain Black-box Models for Early Alzheimer’s Disease Classification Evaluated for Multiple Datasets',
  line: 91,
};

/** The papers behind the methods. */
export const attributionPapers: readonly Paper[] = [
  {
    id: 'simonyan2013',
    title: 'Deep Inside Convolutional Networks: Visualising Image Classification Models and Saliency Maps',
    url: 'https://arxiv.org/abs/1312.6034',
  },
  {
    id: 'shrikumar2016',
    title: 'Not Just a Black Box: Learning Important Features Through Propagating Activation Differences',
    url: 'https://arxiv.org/abs/1605.01713',
    line: 61,
  },
  {
    id: 'shrikumar2017',
    title: 'Learning Important Features Through Propagating Activation Differences',
    url: 'https://arxiv.org/abs/1704.02685',
    line: 135,
  },
  {
    id: 'bach2015',
    title:
      'On Pixel-Wise Explanations for Non-Linear Classifier Decisions by Layer-Wise Relevance Propagation',
    url: 'https://doi.org/10.1371/journal.pone.0130140',
  },
  {
    id: 'becker2018',
    title: 'Interpreting and Explaining Deep Neural Networks for Classification of Audio Signals',
    url: 'https://arxiv.org/abs/1807.03418',
    line: 77,
  },
  {
    id: 'montavon2019',
    title: 'Layer-Wise Relevance Propagation: An Overview',
    url: 'https://doi.org/10.1007/978-3-030-28954-6_10',
  },
  {
    id: 'anders2021',
    title:
      'Software for Dataset-wide XAI: From Local Explanations to Global Insights with Zennit, CoRelAy, and ViRelAy',
    url: 'https://arxiv.org/abs/2106.13200',
  },
  {
    id: 'abnar2020',
    title: 'Quantifying Attention Flow in Transformers',
    url: 'https://arxiv.org/abs/2005.00928',
  },
  {
    id: 'chefer2021',
    title:
      'Generic Attention-model Explainability for Interpreting Bi-Modal and Encoder-Decoder Transformers',
    url: 'https://arxiv.org/abs/2103.15679',
  },
  {
    id: 'sundararajan2017',
    title: 'Axiomatic Attribution for Deep Networks',
    url: 'https://arxiv.org/abs/1703.01365',
  },
  { id: 'dhamdhere2018', title: 'How Important Is a Neuron?', url: 'https://arxiv.org/abs/1805.12233' },
  {
    id: 'leino2018',
    title: 'Influence-Directed Explanations for Deep Convolutional Networks',
    url: 'https://arxiv.org/abs/1802.03788',
  },
  {
    id: 'selvaraju2016',
    title: 'Grad-CAM: Visual Explanations from Deep Networks via Gradient-based Localization',
    url: 'https://arxiv.org/abs/1610.02391',
  },
  {
    id: 'zeiler2013',
    title: 'Visualizing and Understanding Convolutional Networks',
    url: 'https://arxiv.org/abs/1311.2901',
  },
  cnnVisualisationSurvey,
  {
    id: 'springenberg2014',
    title: 'Striving for Simplicity: The All Convolutional Net',
    url: 'https://arxiv.org/abs/1412.6806',
  },
  {
    id: 'adebayo2018',
    title: 'Sanity Checks for Saliency Maps',
    url: 'https://arxiv.org/abs/1810.03292',
  },
  {
    id: 'adebayo2018local',
    title: 'Local Explanation Methods for Deep Neural Networks Lack Sensitivity to Parameter Values',
    url: 'https://arxiv.org/abs/1810.03307',
  },
  {
    id: 'smilkov2017',
    title: 'SmoothGrad: removing noise by adding noise',
    url: 'https://arxiv.org/abs/1706.03825',
  },
  {
    id: 'hooker2018',
    title: 'A Benchmark for Interpretability Methods in Deep Neural Networks',
    url: 'https://arxiv.org/abs/1806.10758',
  },
  {
    id: 'erion2019',
    title:
      'Improving performance of deep learning models with axiomatic attribution priors and expected gradients',
    url: 'https://arxiv.org/abs/1906.10670',
  },
  {
    id: 'lundberg2017',
    title: 'A Unified Approach to Interpreting Model Predictions',
    url: 'https://arxiv.org/abs/1705.07874',
  },
  {
    id: 'chattopadhay2017',
    title: 'Grad-CAM++: Improved Visual Explanations for Deep Convolutional Networks',
    url: 'https://arxiv.org/abs/1710.11063',
  },
  {
    id: 'castro2009',
    title: 'Polynomial calculation of the Shapley value based on sampling',
  },
  {
    id: 'covert2021',
    title: 'Improving KernelSHAP: Practical Shapley Value Estimation Using Linear Regression',
    url: 'http://proceedings.mlr.press/v130/covert21a',
  },
  {
    id: 'ribeiro2016',
    title: '“Why Should I Trust You?”: Explaining the Predictions of Any Classifier',
    url: 'https://arxiv.org/abs/1602.04938',
  },
  {
    id: 'petsiuk2018',
    title: 'RISE: Randomized Input Sampling for Explanation of Black-box Models',
    url: 'https://arxiv.org/abs/1806.07421',
  },
  {
    id: 'wang2020',
    title: 'Score-CAM: Score-Weighted Visual Explanations for Convolutional Neural Networks',
    url: 'https://arxiv.org/abs/1910.01279',
  },
  {
    id: 'zhou2015',
    title: 'Learning Deep Features for Discriminative Localization',
    url: 'https://arxiv.org/abs/1512.04150',
  },
  { id: 'lin2013', title: 'Network In Network', line: 65 },
  deepInterestNetwork,
  marketingNetworks,
  shapleyWorkflow,
  {
    id: 'lundberg2020',
    title: 'From local explanations to global understanding with explainable AI for trees',
    url: 'https://doi.org/10.1038/s42256-019-0138-9',
  },
];

/** What to run for each paper of the project's table, and what it cannot do. */
export const attributionRows: readonly PaperRow[] = [
  {
    line: 61,
    settings: { method: 'deeplift-rescale' },
    limits:
      'The rescale rule. GroupNormalization, LRN, LpNormalization and ReduceProd take the plain gradient, and the report names them.',
  },
  {
    line: 135,
    settings: { method: 'deeplift-revealcancel' },
    limits:
      'RevealCancel at elementwise nonlinearities, the rescale rule at the others; several references by deeplift-shap.',
  },
  {
    line: 77,
    settings: { method: 'lrp-epsilon', removal: 'true' },
    limits:
      'Relevance goes down to the samples of the waveform or the cells of the spectrogram that is the input of the model.',
  },
  {
    line: 93,
    settings: { method: 'guided-backprop' },
    limits:
      'Deconvolution and guided backpropagation here; inversion and dissection are analyses of their own.',
  },
  {
    line: 65,
    settings: { method: 'cam' },
    limits: 'Needs global average pooling before the class scores, with at most one linear layer between.',
  },
  {
    line: 91,
    settings: { method: 'shapley-sampling' },
    limits:
      'Exact up to 16 features; the path-dependent form of tree-shap needs the counts of training rows in the nodes.',
  },
  {
    line: 69,
    settings: { method: 'integrated-gradients' },
    limits:
      'On channel × time: the value of the largest step, or of the step that target names, shared out over every channel at every step before it.',
  },
  {
    line: 35,
    settings: { method: 'integrated-gradients' },
    limits:
      'Fields that hold items are explained at their embeddings, one array for each input: summed over an embedding, the share of a behaviour.',
  },
];
