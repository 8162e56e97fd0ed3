import { rectifiedPass } from '../../../../engine/relevance/rectifiedPass.js';
import { elementCountOf } from '../../../../onnx/tensorValue.js';
import { classActivation } from '../classActivation.js';
import { localScores } from '../localScores.js';
import { upsampledScores } from '../outcome.js';
import { passesPerGradient } from '../passes.js';
import type { AttributionMethod, ExplainedTensor, Scores } from '../problem.js';
import { rectifierFindings } from '../rectifierFindings.js';
import { meanGradient, PositionSpread } from './gradCam.js';
import { UserError } from '../../../../base/errors.js';

/**
 * Guided Grad-CAM: guided backpropagation at the input times the Grad-CAM map of a layer, enlarged to the input.
 *
 * Assumes what both do: rectifiers, and channels that mean the same at all positions. The map says where, the guided
 * gradient which detail there. High: a detail that excites the target in a place that speaks for it. Zero wherever the
 * map is. Scores do not add up to the prediction.
 *
 * Source: Selvaraju et al. (2016), "Grad-CAM: Visual Explanations from Deep Networks via Gradient-based Localization",
 * section 3.2, https://arxiv.org/abs/1610.02391.
 */
export const guidedGradCam: AttributionMethod = {
  title: 'Guided Grad-CAM',
  scoresAre: 'places',
  reading:
    'Each score is the guided gradient of an element times the Grad-CAM map at its place: details that speak for the explained value, where the layer sees evidence for it.',
  paperIds: ['selvaraju2016', 'springenberg2014'],
  weightsMaps: true,
  usesBaseline: false,
  passesPerRow: () => 2 * passesPerGradient,
  attribute: async (problem) => {
    const spread = new PositionSpread();
    const map = await classActivation(problem, (maps) => meanGradient(spread.with(maps)));
    const enlarged = upsampledScores(problem, map);
    const [input] = problem.inputs;
    if (enlarged === undefined || input === undefined || problem.inputs.length > 1) throw notImageLike();
    const guided = await localScores({ ...problem, layer: undefined }, { backward: rectifiedPass('guided') });
    const [details] = guided.scores;
    if (details === undefined) throw notImageLike();
    return {
      scores: [timesMap(details, enlarged, input)],
      isComplete: false,
      isOverInputs: true,
      notes: [`The map is that of ${map.name}.`],
      withoutRule: guided.withoutRule,
      positionSpread: spread.share,
      findings: rectifierFindings(guided.withoutRule),
    };
  },
};

/** Multiplies every channel of a row with the row's map. */
function timesMap(details: Scores, map: Scores, { dims, channelAxis }: ExplainedTensor): Scores {
  const inner = channelAxis === undefined ? 1 : elementCountOf(dims.slice(channelAxis));
  const channels = channelAxis === undefined ? 1 : (dims[channelAxis - 1] ?? 1);
  const data = details.data.map((value, i) => {
    const place = Math.floor(i / (channels * inner)) * inner + (i % inner);
    return value * (map.data[place] ?? 0);
  });
  return { ...details, data };
}

function notImageLike(): UserError {
  return new UserError(
    'no-positions',
    'guided-grad-cam needs one input with channels and as many position axes as the layer has, to lay the map over it. Set layer to a convolution of the image, or use method=grad-cam.',
  );
}
