import type { RunCost, Workload } from '../../analysis.js';
import { methods } from './methods/methods.js';
import { removalPasses } from './removal.js';
import { defaultRowCount, parseRows } from './rows.js';
import type { AttributionSettings } from './settings.js';

/** Passes of every method for each row: reading the values, f(x) and f(baseline). */
const sharedPasses = 3;

/**
 * Returns what an attribution takes: `limit` rows, or 16, each explained on its own.
 *
 * Measured on dense models; the gradient of a depthwise convolution takes up to four times as long. A `background` counts
 * as one baseline, for its file is not read here: it multiplies the methods that average over it by its rows.
 *
 * @throws UserError when the occlusion window does not fit the input, or no input can be explained.
 */
export function attributionCost(settings: AttributionSettings, workload: Workload): RunCost {
  const rowCount =
    parseRows(settings.rows)?.length ?? Math.min(workload.sampleCount, workload.limit ?? defaultRowCount);
  const ownPasses = methods[settings.method].passesPerRow(settings, workload);
  return {
    passCount: rowCount * (sharedPasses + ownPasses + (settings.removal ? removalPasses : 0)),
    readCount: rowCount,
  };
}
