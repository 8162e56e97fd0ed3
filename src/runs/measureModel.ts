import type { Logger } from '../base/logger.js';
import { messageOf, UserError } from '../base/errors.js';
import { measureTypes } from '../engine/runtime/measureTypes.js';
import { createRuntime } from '../engine/runtime/ortRuntime.js';
import { inspectModel } from '../onnx/inspect.js';
import type { Model } from '../onnx/model.js';
import { readModel } from '../onnx/readModel.js';
import type { TypeTable } from '../onnx/shapes/inferTypes.js';
import type { MeasureRequest } from '../protocol/engineMessages.js';
import type { Inspection } from '../protocol/inspection.js';
import { hasOpenSizes, madeUpFeeds } from './madeUpFeeds.js';

/** Sizes that are tried for dimensions which the file leaves open: sequences first, then pictures. */
const openSizes = [16, 64, 224, 1];

/**
 * Returns a model's structure with the shapes of one run on made-up input; what was assumed is among the warnings.
 *
 * @throws UserError `not-measurable` when no made-up input runs.
 */
export async function measureModel(request: MeasureRequest, log: Logger): Promise<Inspection> {
  const model = await readModel(request.modelPath);
  const { types, assumptions } = await measured(model, request, log);
  const inspection = inspectModel(model, types);
  return { ...inspection, warnings: [...inspection.warnings, ...assumptions] };
}

async function measured(
  model: Model,
  request: MeasureRequest,
  log: Logger,
): Promise<{ types: TypeTable; assumptions: readonly string[] }> {
  let lastError: unknown;
  for (const openSize of hasOpenSizes(model) ? openSizes : [1]) {
    const { feeds, assumptions } = madeUpFeeds(model, openSize);
    const runtime = createRuntime({ provider: request.provider, log });
    try {
      return { types: await measureTypes(model, runtime, feeds), assumptions };
    } catch (error) {
      // The wrong size fails the run; a broken model or machine fails every size alike.
      if (!(error instanceof UserError) || error.code !== 'run-failed') throw error;
      lastError = error;
    }
  }
  throw new UserError(
    'not-measurable',
    `The shapes cannot be measured, because the model runs on no input that was made up for it (${messageOf(lastError)}) Leave out --measure, or export the model with fixed shapes.`,
    { cause: lastError },
  );
}
