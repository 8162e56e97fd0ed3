import { formatNumber } from '../../protocol/formatReport.js';
import { type AnalysisContext, defineAnalysis, type RunCost, type Workload } from '../analysis.js';
import { cnnVisualisationSurvey } from '../shared/papers.js';
import { readCanvas } from './visualization/canvas.js';
import { draftOf } from './visualization/draft.js';
import {
  defaultRowCount,
  defaultUnitCount,
  type VisualizationSettings,
  visualizationSettings,
} from './visualization/settings.js';
import { readStart } from './visualization/start.js';
import { type Visualization, visualize } from './visualization/visualize.js';

/** Forward passes that a step takes as long as: forward, gradient by the input, the step itself. */
const passesPerStep = 3;

/**
 * Activation maximisation: x* = argmax a(x) / a₀ − λ_α · mean |z|^α − λ_TV · TV_β(z), from noise, where a is a unit summed over its
 * positions (a layer's mean square, a layer's value along a direction), a₀ its highest on the data, and z is x in halves of the
 * input's range from its middle.
 *
 * It assumes that what excites a unit most is what it detects. High: x* excites the unit more than any sample; what all inputs
 * found from different starts have in common is what it needs. Low: no input was found that excites it as samples do: the
 * ascent has not arrived, a prior forbids it, or its gradient vanishes (a rectifier that is off everywhere near the start).
 * Caveat: a unit may detect several things, and inputs off the data excite units in ways that no sample does; look at the
 * samples beside them.
 *
 * Source: Nguyen, Yosinski & Clune (2019), "Understanding Neural Networks via Feature Visualization: A survey",
 * https://arxiv.org/abs/1904.08939. Differs: priors are means over elements of the input in units of its range, Adam takes the
 * steps, blur follows every step, and the centre bias fades the input itself and not its gradient, which Adam would undo.
 */
export const featureVisualization = defineAnalysis({
  id: 'feature-visualization',
  question: 'neuron',
  title: 'Feature visualization',
  asks: 'Which inputs excite this neuron most?',
  needs: { data: 'optional', labels: 'none', gradients: true },
  settings: visualizationSettings,
  metrics: {
    exceedingCount: {
      title: 'Above the best sample',
      description: 'Units that an input was found for that excites them more than any sample does.',
    },
    meanRatio: {
      title: 'Reached ÷ best',
      description:
        'Highest activation that was found over that of the best sample, mean over the units that samples excite.',
    },
    lowestRatio: { title: 'Lowest of a unit', description: 'The lowest of these over the units.' },
    unitCount: { title: 'Units', description: 'Units, layers or directions that were excited.' },
    sampleCount: { title: 'Samples', description: 'Samples that units are compared on.' },
  },
  papers: [
    {
      id: 'nguyen2019',
      title: 'Understanding Neural Networks via Feature Visualization: A survey',
      url: 'https://arxiv.org/abs/1904.08939',
      line: 229,
    },
    cnnVisualisationSurvey,
    {
      id: 'olah2017',
      title: 'Feature Visualization',
      url: 'https://distill.pub/2017/feature-visualization/',
    },
  ],
  rows: [
    {
      line: 229,
      limits:
        'Priors written down by hand; learned ones (a generator of images) are not part of it. A run goes on from the inputs of an earlier one (start), with fresh moments of Adam and no record of the random motions. Channels of colour are moved as they are, not decorrelated.',
    },
    {
      line: 93,
      settings: {
        parameterization: 'pixels',
        alpha: '6',
        alphaWeight: '0.01',
        variationWeight: '0.05',
        jitter: '0',
      },
      limits:
        'Activation maximisation with the α-norm and total variation; a learned prior is not part of it.',
    },
  ],
  cost: costOf,
  async run(context, settings) {
    const canvas = await readCanvas(context, settings);
    const startZ = await readStart(settings.start, canvas);
    const done: Visualization[] = [];
    for (const [index, target] of canvas.targets.entries()) {
      const found = await visualize(context, { canvas, target, settings, startZ }, (known) => {
        tellProgress(context, { known, index, unitCount: canvas.targets.length, steps: settings.steps });
        context.partial(() => draftOf(canvas, [...done, known], settings));
      });
      done.push(found);
    }
    return draftOf(canvas, done, settings);
  },
});

function tellProgress(
  context: AnalysisContext,
  at: {
    readonly known: Visualization;
    readonly index: number;
    readonly unitCount: number;
    readonly steps: number;
  },
): void {
  const step = at.known.trajectory.length - 1;
  const [done, all] = [step, at.steps].map((count) => formatNumber(count, 'count'));
  context.progress({
    fractionDone: (at.index + step / at.steps) / at.unitCount,
    message: `Exciting ${at.known.target.excited.name} (step ${done ?? ''} of ${all ?? ''})`,
  });
}

function costOf(settings: VisualizationSettings, { sampleCount, limit }: Workload): RunCost {
  const unitCount = settings.units?.split(',').length ?? defaultUnitCount;
  const rowCount = Math.min(sampleCount, limit ?? defaultRowCount);
  const ascents = unitCount * settings.images * settings.steps * passesPerStep;
  return { passCount: rowCount + ascents, readCount: rowCount };
}
