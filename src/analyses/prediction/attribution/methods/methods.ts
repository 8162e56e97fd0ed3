import type { AttributionMethod } from '../problem.js';
import type { MethodName } from '../settings.js';
import { attentionGradient } from './attentionGradient.js';
import { attentionRollout } from './attentionRollout.js';
import { deconvnet } from './deconvnet.js';
import { deepliftRescale } from './deepliftRescale.js';
import { deepliftRevealCancel } from './deepliftRevealCancel.js';
import { deepliftShap } from './deepliftShap.js';
import { expectedGradients } from './expectedGradients.js';
import { featureAblation } from './featureAblation.js';
import { gradCam } from './gradCam.js';
import { gradCamPlusPlus } from './gradCamPlusPlus.js';
import { gradient } from './gradient.js';
import { gradientShap } from './gradientShap.js';
import { guidedBackprop } from './guidedBackprop.js';
import { guidedGradCam } from './guidedGradCam.js';
import { inputXGradient } from './inputXGradient.js';
import { integratedGradients } from './integratedGradients.js';
import { kernelShap } from './kernelShap.js';
import { lime } from './lime.js';
import { cam } from './cam.js';
import { rise } from './rise.js';
import { scoreCam } from './scoreCam.js';
import { lrpAlphaBeta } from './lrpAlphaBeta.js';
import { lrpComposite } from './lrpComposite.js';
import { lrpEpsilon } from './lrpEpsilon.js';
import { lrpGamma } from './lrpGamma.js';
import { lrpZero } from './lrpZero.js';
import { occlusion } from './occlusion.js';
import { shapleyExact } from './shapleyExact.js';
import { shapleySampling } from './shapleySampling.js';
import { smoothGrad } from './smoothGrad.js';
import { smoothGradSquared } from './smoothGradSquared.js';
import { treeShap } from './treeShap.js';
import { varGrad } from './varGrad.js';

/** The methods of `attribution`, one line each. */
export const methods: Readonly<Record<MethodName, AttributionMethod>> = {
  gradient,
  'input-x-gradient': inputXGradient,
  'integrated-gradients': integratedGradients,
  smoothgrad: smoothGrad,
  'smoothgrad-squared': smoothGradSquared,
  vargrad: varGrad,
  'expected-gradients': expectedGradients,
  'gradient-shap': gradientShap,
  'deeplift-rescale': deepliftRescale,
  'deeplift-revealcancel': deepliftRevealCancel,
  'deeplift-shap': deepliftShap,
  'lrp-zero': lrpZero,
  'lrp-epsilon': lrpEpsilon,
  'lrp-gamma': lrpGamma,
  'lrp-alpha-beta': lrpAlphaBeta,
  'lrp-composite': lrpComposite,
  'attention-rollout': attentionRollout,
  'attention-gradient': attentionGradient,
  'guided-backprop': guidedBackprop,
  deconvnet,
  'grad-cam': gradCam,
  'grad-cam-plus-plus': gradCamPlusPlus,
  'guided-grad-cam': guidedGradCam,
  'score-cam': scoreCam,
  cam,
  occlusion,
  rise,
  'feature-ablation': featureAblation,
  'shapley-exact': shapleyExact,
  'shapley-sampling': shapleySampling,
  'kernel-shap': kernelShap,
  'tree-shap': treeShap,
  lime,
};
