import type { Logger } from '../base/logger.js';
import { createRandom } from '../base/random.js';
import { measureTypes } from '../engine/runtime/measureTypes.js';
import { soundModel } from '../engine/graph/verify.js';
import { createRuntime } from '../engine/runtime/ortRuntime.js';
import { inspectModel } from '../onnx/inspect.js';
import { readModel } from '../onnx/readModel.js';
import type { MeasureRequest } from '../protocol/engineMessages.js';
import type { Inspection } from '../protocol/inspection.js';
import { withMadeUpFeeds } from './madeUpFeeds.js';

/**
 * Returns a model's structure with the shapes of one run on made-up input; what was assumed is among the warnings.
 *
 * @throws UserError `no-feeds-fit`, and as reading and opening the model do.
 */
export async function measureModel(request: MeasureRequest, log: Logger): Promise<Inspection> {
  const model = soundModel(await readModel(request.modelPath));
  const runtime = createRuntime({ provider: request.provider, log });
  return withMadeUpFeeds(model, createRandom(0), async ({ feeds, assumptions }) => {
    const inspection = inspectModel(model, await measureTypes(model, runtime, feeds));
    return { ...inspection, warnings: [...inspection.warnings, ...assumptions] };
  });
}
