import { localScores } from '../localScores.js';
import { passesPerGradient } from '../passes.js';
import type { AttributionMethod } from '../problem.js';

/**
 * Input × gradient: xᵢ · ∂f/∂xᵢ, or activation × gradient at a layer.
 *
 * Exact for a linear model without bias, where the scores of a row add up to f(x); elsewhere the completeness error says
 * how far off they are. A score near zero means that the element is near zero or f is flat there: black pixels never
 * score, whatever they mean to the model.
 *
 * Source: Shrikumar, Greenside, Shcherbina & Kundaje (2016), "Not Just a Black Box: Learning Important Features Through
 * Propagating Activation Differences", https://arxiv.org/abs/1605.01713.
 */
export const inputXGradient: AttributionMethod = {
  title: 'Input × gradient',
  scoresAre: 'shares',
  reading:
    'Each score is the value of an element times the slope there: its share of the prediction if the model were linear.',
  paperIds: ['shrikumar2016'],
  usesBaseline: false,
  passesPerRow: () => passesPerGradient,
  whyIncomplete: () => ({
    severity: 'info',
    reason: 'the model is not linear there, and input × gradient only adds up where it is',
    advice: 'Use method=integrated-gradients for scores that add up to the prediction.',
  }),
  attribute: async (problem) => {
    const { scores } = await localScores(problem, { score: (slope, value) => slope * value });
    return { scores, isComplete: true };
  },
};
