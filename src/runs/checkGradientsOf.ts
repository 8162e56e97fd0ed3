import type { ProgressUpdate } from '../analyses/analysis.js';
import type { Logger } from '../base/logger.js';
import { createRandom } from '../base/random.js';
import { checkGradients } from '../engine/gradients/checkGradients.js';
import { soundModel } from '../engine/graph/verify.js';
import { createRuntime } from '../engine/runtime/ortRuntime.js';
import { readModel } from '../onnx/readModel.js';
import type { GradientCheckRequest } from '../protocol/engineMessages.js';
import type { GradientCheckTable } from '../protocol/gradientCheck.js';
import { withMadeUpFeeds } from './madeUpFeeds.js';

/**
 * Checks the gradients of a model file on made-up input; what was assumed is among the warnings.
 *
 * @throws UserError `no-feeds-fit`, and as reading and opening the model do.
 */
export async function checkGradientsOf(
  request: GradientCheckRequest,
  log: Logger,
  progress: (update: ProgressUpdate) => void,
): Promise<GradientCheckTable> {
  const model = soundModel(await readModel(request.modelPath));
  const runtime = createRuntime({ provider: request.provider, log });
  return withMadeUpFeeds(model, createRandom(request.seed), async ({ feeds, assumptions }) => {
    const table = await checkGradients(model, runtime, {
      feeds,
      seed: request.seed,
      onProgress: (fractionDone) => {
        progress({ fractionDone, message: 'Comparing gradients with central differences' });
      },
    });
    return { ...table, warnings: [...table.warnings, ...assumptions] };
  });
}
