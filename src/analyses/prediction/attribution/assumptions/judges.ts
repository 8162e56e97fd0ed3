import type { MethodName } from '../settings.js';
import type { Assumption, Judge, Judged } from './assumption.js';
import { baselineIsInRange, baselineSaysLess, noiseKeepsMeaning } from './baseline.js';
import {
  channelsMeanOneThing,
  everyOperatorHasRule,
  isPiecewiseLinear,
  mapsAreNotNegative,
  notMeasured,
} from './model.js';
import { addsUp, conserves, drawsAreEnough, featuresActAlone, fitsAround, isNearlyLinear } from './sums.js';

const smoothed = [noiseKeepsMeaning, drawsAreEnough];
const alongPaths = [
  baselineSaysLess,
  addsUp('There are draws enough for the scores to add up.'),
  drawsAreEnough,
];
const multiplied = [
  everyOperatorHasRule('Every nonlinearity on the way has a rule.'),
  addsUp('Multipliers carry the whole difference to the input.'),
  baselineSaysLess,
];
const handedDown = [everyOperatorHasRule('Every operator on the way has a rule of relevance.'), conserves];
const rectified = everyOperatorHasRule('The activations are rectifiers.', 'other activation');
const hides = [baselineSaysLess, baselineIsInRange];
const shapley = [...hides, addsUp('Coalitions are weighed so that shares add up.')];
const mixedByAttention = notMeasured(
  'Tokens mix by attention alone.',
  'What other operators carry from token to token is not read.',
);

/** What each method rests on, as its docstring says. */
const judges: Readonly<Record<MethodName, readonly Judge[]>> = {
  gradient: [isNearlyLinear],
  'input-x-gradient': [addsUp('The model is linear in the row, without a bias.')],
  'integrated-gradients': [
    baselineSaysLess,
    addsUp('There are steps enough: the path’s gradients add up to what happens along it.'),
  ],
  smoothgrad: smoothed,
  'smoothgrad-squared': smoothed,
  vargrad: smoothed,
  'expected-gradients': alongPaths,
  'gradient-shap': [...alongPaths, noiseKeepsMeaning],
  'deeplift-rescale': multiplied,
  'deeplift-revealcancel': multiplied,
  'deeplift-shap': multiplied,
  'lrp-zero': handedDown,
  'lrp-epsilon': handedDown,
  'lrp-gamma': handedDown,
  'lrp-alpha-beta': handedDown,
  'lrp-composite': handedDown,
  'attention-rollout': [
    mixedByAttention,
    notMeasured(
      'What attention adds weighs as much as the stream that it adds to.',
      'The sizes of the two are not read.',
    ),
  ],
  'attention-gradient': [mixedByAttention],
  'guided-backprop': [rectified],
  deconvnet: [rectified],
  'grad-cam': [channelsMeanOneThing],
  'grad-cam-plus-plus': [isPiecewiseLinear, mapsAreNotNegative],
  'guided-grad-cam': [rectified, channelsMeanOneThing],
  'score-cam': hides,
  cam: [addsUp('The model ends in a global average of maps and linear operators.')],
  occlusion: hides,
  rise: [baselineIsInRange, drawsAreEnough],
  'feature-ablation': [...hides, featuresActAlone],
  'shapley-exact': shapley,
  'shapley-sampling': [...shapley, drawsAreEnough],
  'kernel-shap': [...shapley, drawsAreEnough],
  'tree-shap': [addsUp('The explained value is the sum of the trees’ leaves.')],
  lime: [baselineIsInRange, fitsAround],
};

/** Returns what the method in use rests on, and whether it is so on this model and these rows. */
export async function assumptionsOf(judged: Judged): Promise<readonly Assumption[]> {
  const found: Assumption[] = [];
  for (const judge of judges[judged.problem.settings.method]) found.push(await judge(judged));
  return found;
}
