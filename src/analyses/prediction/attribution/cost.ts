import type { RunCost, Workload } from '../../analysis.js';
import { explainableInputs } from './inputs.js';
import { channelAxisOf } from './layout.js';
import { defaultRowCount } from './rows.js';
import type { AttributionSettings } from './settings.js';
import { windowGridOf } from './windows.js';

/** Forward passes that a gradient takes as long as, its forward pass included: the bar of dense models. */
const passesPerGradient = 2.5;

/** The same for one step of integrated gradients, as measured: points are made and folded outside the graph. */
const passesPerStep = 3.5;

/** Passes of every method for each row: reading the values, f(x) and f(baseline). */
const sharedPasses = 3;

/**
 * Returns what an attribution takes: `limit` rows, or 16, each explained on its own.
 *
 * Measured on dense models; the gradient of a depthwise convolution takes up to four times as long. A `background` counts
 * as one baseline, for its file is not read here: it multiplies integrated gradients and occlusion by its rows.
 *
 * @throws UserError when the occlusion window does not fit the input, or no input can be explained.
 */
export function attributionCost(settings: AttributionSettings, workload: Workload): RunCost {
  const rowCount = Math.min(workload.sampleCount, workload.limit ?? defaultRowCount);
  return {
    passCount: rowCount * (sharedPasses + methodPasses(settings, workload)),
    readCount: rowCount,
  };
}

function methodPasses(settings: AttributionSettings, workload: Workload): number {
  switch (settings.method) {
    case 'gradient':
    case 'input-x-gradient':
    case 'grad-cam':
      return passesPerGradient;
    case 'integrated-gradients':
      return settings.steps * passesPerStep;
    case 'occlusion':
      return windowCountOf(settings, workload);
  }
}

/** Every explained input is hidden window by window; token ids by token, which are the positions of their embedding. */
function windowCountOf(settings: AttributionSettings, { model, sampleShapes }: Workload): number {
  const types = model.graph.inputs.flatMap(({ name, type }) =>
    type.kind === 'tensor' && name in sampleShapes ? [[name, { dtype: type.elementType }] as const] : [],
  );
  let count = 0;
  for (const { name } of explainableInputs(model, Object.fromEntries(types))) {
    const dims = sampleShapes[name] ?? [];
    const channelAxis = channelAxisOf(model, name, dims);
    const positions = dims.filter((_, axis) => axis + 1 !== channelAxis);
    count += windowGridOf(positions, { ...settings, hasChannels: channelAxis !== undefined }).windows.length;
  }
  return count;
}
