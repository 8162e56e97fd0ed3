import { sumOf } from '../../../../engine/numeric/vectors.js';
import type { Finding } from '../../../../protocol/report.js';
import { type ChannelMaps, classActivation } from '../classActivation.js';
import { passesPerGradient } from '../passes.js';
import type { AttributionMethod, Problem } from '../problem.js';

/**
 * Grad-CAM++: ReLU(Σ_c w_c · A_c) with w_c = Σ_p α_cp · max(∂f/∂A_cp, 0) over the positions p of channel c, and
 * α_cp = 1 / (2 + g_cp · Σ_q A_cq) for the gradient g.
 *
 * α is the paper's ratio of second and third derivatives of e^f, which are powers of the gradient as long as f is
 * piecewise linear in A: that is the assumption, and it holds for ReLU networks explained at their logit. Where
 * Grad-CAM's mean lets a large object outweigh a small one, α gives several objects of one class a weight each. High:
 * evidence for the target here. Scores do not add up to the prediction.
 *
 * Source: Chattopadhay, Sarkar, Howlader & Balasubramanian (2017), "Grad-CAM++: Improved Visual Explanations for Deep
 * Convolutional Networks", https://arxiv.org/abs/1710.11063. Differs: the factor e^f, the same for the whole map, is
 * left out.
 */
export const gradCamPlusPlus: AttributionMethod = {
  title: 'Grad-CAM++',
  scoresAre: 'places',
  reading:
    'Each score says how strongly the layer’s channels that raise the explained value somewhere are active at this position.',
  paperIds: ['chattopadhay2017', 'selvaraju2016'],
  weightsMaps: true,
  usesBaseline: false,
  passesPerRow: () => passesPerGradient,
  attribute: async (problem) => {
    const scores = [await classActivation(problem, positiveWeight)];
    return { scores, isComplete: false, findings: negativeMaps(problem) };
  },
};

function positiveWeight({ gradient, activation }: ChannelMaps): number {
  const total = sumOf(activation);
  let weight = 0;
  for (const slope of gradient) {
    const share = 2 + slope * total;
    // Negative activations can turn the ratio's sign: it means nothing there.
    if (slope > 0 && share > 0) weight += slope / share;
  }
  return weight;
}

function negativeMaps({ layer }: Problem): Finding[] {
  if (layer?.elements.some((value) => value < 0) !== true) return [];
  return [
    {
      severity: 'info',
      message: `${layer.name} has negative values, but Grad-CAM++ takes a layer’s maps for activations that are never negative.`,
      advice: 'Set layer to the activation after it, or use method=grad-cam.',
    },
  ];
}
