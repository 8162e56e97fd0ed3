import type { AttributionMethod } from '../problem.js';
import type { MethodName } from '../settings.js';
import { gradCam } from './gradCam.js';
import { gradient } from './gradient.js';
import { inputXGradient } from './inputXGradient.js';
import { integratedGradients } from './integratedGradients.js';
import { occlusion } from './occlusion.js';

/** The methods of `attribution`, one line each. */
export const methods: Readonly<Record<MethodName, AttributionMethod>> = {
  gradient,
  'input-x-gradient': inputXGradient,
  'integrated-gradients': integratedGradients,
  'grad-cam': gradCam,
  occlusion,
};
