import type { AttributionMethod } from '../problem.js';
import { localGradient } from './gradient.js';

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
  reading:
    'Each score is the value of an element times the slope there: its share of the prediction if the model were linear.',
  paperIds: ['shrikumar2016'],
  takes: ['layer', 'neuron', 'position', 'output'],
  needsGradients: true,
  attribute: async (problem) => ({
    ...(await localGradient(problem, (slope, value) => slope * value)),
    isComplete: true,
  }),
};
