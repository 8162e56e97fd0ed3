import { namedTokens } from '../analyses/shared/language/namedTokens.js';
import { unitVocabulary } from '../analyses/shared/language/unitVocabulary.js';
import type { Logger } from '../base/logger.js';
import { readTokenizer, type Tokenizer } from '../data/text/tokenizer.js';
import { soundModel } from '../engine/graph/verify.js';
import { createRuntime } from '../engine/runtime/ortRuntime.js';
import { resolveAddress } from '../onnx/addresses.js';
import { type OpenedModel, openedModel } from '../onnx/openedModel.js';
import { convertToOpset17 } from '../onnx/opsets/convert.js';
import type { UnitTokensRequest } from '../protocol/engineMessages.js';
import type { UnitTokens } from '../protocol/units.js';
import { UserError } from '../base/errors.js';
import { tokenizerPathOf } from './languageModel.js';

/**
 * Tells which tokens a neuron of a language model makes likelier and unlikelier, as `unitVocabulary` has it; null where no weights
 * bring it to the vocabulary.
 *
 * @throws UserError as `resolveAddress` does, `tokenizer-invalid`, and what running throws.
 */
export async function unitTokens(
  read: OpenedModel,
  request: UnitTokensRequest,
  log: Logger,
): Promise<UnitTokens | null> {
  const { address, tokenCount, threadCount } = request;
  const { model, layers: table, types } = runnable(read);
  const { value, unit, unitAxis, isInBody, ...resolved } = resolveAddress(address, table);
  if (unit === undefined || unitAxis === null || isInBody) return null;
  const threads = threadCount === undefined ? {} : { threadCount };
  // One row of numbers: not worth the way to a GPU.
  const runtime = createRuntime({ provider: 'cpu', log, ...threads });
  // Nothing here cancels: it is done in moments.
  const { signal } = new AbortController();
  const context = { model, data: undefined, runtime, signal };
  const found = await unitVocabulary(context, { table, types }, { value, unit, unitAxis });
  if (found === undefined) return null;
  const { layer, isHead, normWithoutGain = null, effects } = found;
  return {
    ...{ address: resolved.address, layer, isHead, normWithoutGain },
    ...namedTokens(effects, tokenCount, await tokenizerFor(request)),
  };
}

/** As it is run, made once for all neurons of a model. */
const runnables = new WeakMap<OpenedModel, OpenedModel>();

function runnable(read: OpenedModel): OpenedModel {
  const known = runnables.get(read) ?? openedModel(convertToOpset17(soundModel(read.model)));
  runnables.set(read, known);
  return known;
}

/** Without one tokens are shown by their ids. */
async function tokenizerFor(request: UnitTokensRequest): Promise<Tokenizer | undefined> {
  try {
    return await readTokenizer(await tokenizerPathOf(request));
  } catch (error) {
    if (error instanceof UserError && error.code === 'tokenizer-missing') return undefined;
    throw error;
  }
}
