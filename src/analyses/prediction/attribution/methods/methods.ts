import type { AttributionMethod } from '../problem.js';
import type { MethodName } from '../settings.js';
import { deconvnet } from './deconvnet.js';
import { featureAblation } from './featureAblation.js';
import { gradCam } from './gradCam.js';
import { gradCamPlusPlus } from './gradCamPlusPlus.js';
import { gradient } from './gradient.js';
import { guidedBackprop } from './guidedBackprop.js';
import { guidedGradCam } from './guidedGradCam.js';
import { inputXGradient } from './inputXGradient.js';
import { integratedGradients } from './integratedGradients.js';
import { occlusion } from './occlusion.js';

/** The methods of `attribution`, one line each. */
export const methods: Readonly<Record<MethodName, AttributionMethod>> = {
  gradient,
  'input-x-gradient': inputXGradient,
  'integrated-gradients': integratedGradients,
  'guided-backprop': guidedBackprop,
  deconvnet,
  'grad-cam': gradCam,
  'grad-cam-plus-plus': gradCamPlusPlus,
  'guided-grad-cam': guidedGradCam,
  occlusion,
  'feature-ablation': featureAblation,
};
