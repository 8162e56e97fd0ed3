import { UserError } from '../../../../base/errors.js';
import { sumOf } from '../../../../engine/numeric/vectors.js';
import { elementCountOf } from '../../../../onnx/tensorValue.js';
import { classActivation } from '../classActivation.js';
import { passesPerGradient } from '../passes.js';
import { rowPoints } from '../points.js';
import type { AttributionMethod, ExplainedTensor, Problem } from '../problem.js';

/**
 * Class activation maps: M = Σ_c w_c · A_c, where the explained value is Σ_c w_c · mean(A_c) + b of the last maps A.
 *
 * Holds for models that end in global average pooling and linear operators; others are refused. Where the maps are the
 * classes' own (Network In Network: one map a class, pooled into its logit) w picks that map. High: this place raises the
 * explained value, negative: it lowers it. The mean of a map is f(x) − b exactly, and the completeness error says so. The
 * map is as coarse as the layer, and says nothing about how the layer came to its values.
 *
 * Source: Zhou, Khosla, Lapedriza, Oliva & Torralba (2015), "Learning Deep Features for Discriminative Localization",
 * https://arxiv.org/abs/1512.04150; Lin, Chen & Yan (2013), "Network In Network", for class-confidence maps. Differs: w is
 * read off as the gradient of the head, which is constant, so that any chain of linear operators will do.
 */
export const cam: AttributionMethod = {
  title: 'Class activation mapping',
  scoresAre: 'shares',
  reading:
    'Each score is what this position of the last maps adds to the explained value: their mean is the explained value without its bias.',
  paperIds: ['zhou2015', 'lin2013'],
  readsPooledMaps: true,
  usesBaseline: false,
  passesPerRow: () => passesPerGradient,
  async attribute(problem) {
    const { layer, rows } = problem;
    if (layer === undefined) throw notPooled();
    // ∂f/∂A is w / (number of positions) at every position.
    const scores = await classActivation(problem, ({ gradient }) => sumOf(gradient), { relu: false });
    const size = elementCountOf(scores.dims.slice(1));
    return {
      scores: [scores],
      totals: Float64Array.from({ length: rows.count }, (_, row) => {
        return sumOf(scores.data.subarray(row * size, (row + 1) * size)) / size;
      }),
      pathStart: await valueWithoutMaps(problem, layer),
      isComplete: true,
      notes: [`Maps of ${layer.name}, averaged over all positions before the linear head.`],
    };
  },
};

/** f with all maps zero: the bias of the head. */
function valueWithoutMaps(problem: Problem, layer: ExplainedTensor): Promise<Float64Array> {
  const { rows } = problem;
  const points = rowPoints([layer], rows.count);
  problem.expect(rows.count);
  return problem.open({ coordinates: [layer] }).values({
    ...points,
    write: (_point, _coordinate, target) => {
      target.fill(0);
    },
  });
}

function notPooled(): UserError {
  return new UserError(
    'maps-not-pooled',
    'This model does not end in a global average of maps followed by linear operators, so it has no class activation maps. Use method=grad-cam, which needs no such end.',
  );
}
