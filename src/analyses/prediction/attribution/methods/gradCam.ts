import { sumOf } from '../../../../engine/numeric/vectors.js';
import { type ChannelMaps, classActivation } from '../classActivation.js';
import { passesPerGradient } from '../passes.js';
import type { AttributionMethod } from '../problem.js';

/**
 * Grad-CAM: ReLU(Σ_c w_c · A_c), where w_c is the mean of ∂f/∂A_c over the positions of channel c of a layer.
 *
 * Assumes that a channel's meaning is the same at all positions. High: the layer sees evidence for the target here. The
 * map is as coarse as the layer's; enlarging it adds nothing. Scores do not add up to the prediction. With `relu` off
 * negative values are evidence against the target.
 *
 * Source: Selvaraju et al. (2016), "Grad-CAM: Visual Explanations from Deep Networks via Gradient-based Localization",
 * https://arxiv.org/abs/1610.02391.
 */
export const gradCam: AttributionMethod = {
  title: 'Grad-CAM',
  scoresAre: 'places',
  reading:
    'Each score says how strongly the layer’s channels that raise the explained value are active at this position.',
  paperIds: ['selvaraju2016'],
  weightsMaps: true,
  usesBaseline: false,
  passesPerRow: () => passesPerGradient,
  attribute: async (problem) => {
    const spread = new PositionSpread();
    const scores = [await classActivation(problem, (maps) => meanGradient(spread.with(maps)))];
    return { scores, isComplete: false, positionSpread: spread.share };
  },
};

/** Returns Grad-CAM's weight of a channel. */
export function meanGradient({ gradient }: ChannelMaps): number {
  return sumOf(gradient) / gradient.length;
}

/** How far the slopes at the positions of a channel differ, over the channels and rows that it is given. */
export class PositionSpread {
  private between = 0;
  private all = 0;

  /** Counts a channel of a row in, and hands it back. */
  with(maps: ChannelMaps): ChannelMaps {
    const mean = meanGradient(maps);
    for (const slope of maps.gradient) {
      this.between += (slope - mean) ** 2;
      this.all += slope ** 2;
    }
    return maps;
  }

  /** Σ (slope − mean of its channel)² / Σ slope²: 0 where positions are alike, NaN where all slopes are 0. */
  get share(): number {
    return this.between / this.all;
  }
}
