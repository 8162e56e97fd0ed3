import type { ProgressUpdate } from '../analyses/analysis.js';
import { type Generation, openGeneration } from '../analyses/prediction/generation/openGeneration.js';
import { createRandom } from '../base/random.js';
import type { WrittenToken } from '../engine/generation/generate.js';
import type { Model } from '../onnx/model.js';
import type { ContinueTextRequest } from '../protocol/engineMessages.js';
import type { ContinuedText, ReadToken, TextPiece } from '../protocol/generatedText.js';
import { toReportNumber } from '../protocol/reportNumbers.js';
import type { KeptWriter } from './keptWriter.js';
import { tokenizerPathOf } from './languageModel.js';

/** What a continuation needs from whoever asks for it. */
export interface TextHooks {
  /** Keeps the model open between continuations. */
  readonly writers: KeptWriter;
  progress(update: ProgressUpdate): void;
  piece(piece: TextPiece): void;
}

/** Tokens are told at most this often: a small model writes thousands a second. */
const pieceIntervalMs = 30;

/**
 * Continues a text as the analysis `generate` does, and tells the tokens as they come.
 *
 * @throws UserError as `openGeneration` does, and what running throws.
 */
export async function continueText(
  opened: Model,
  request: ContinueTextRequest,
  hooks: TextHooks,
): Promise<ContinuedText> {
  hooks.progress({ fractionDone: 0, message: 'Opening the model' });
  const settings = await settingsOf(request);
  const { model, runtime, parts } = await hooks.writers.of(opened, request, settings.tokenizer);
  const context = {
    model,
    runtime,
    data: undefined,
    random: createRandom(request.seed),
    // Nothing here cancels: the host ends the process.
    signal: new AbortController().signal,
  };
  const readsPrompt = request.ids === null;
  try {
    const generation = await openGeneration(context, settings, { readsPrompt, kept: parts });
    await tell(generation, readsPrompt, hooks);
    return { ...endOf(generation), provider: runtime.provider ?? request.provider };
  } catch (error) {
    // A session that failed may fail again.
    await hooks.writers.release();
    throw error;
  } finally {
    hooks.writers.rest();
  }
}

async function settingsOf(
  request: ContinueTextRequest,
): Promise<Generation['settings'] & { readonly tokenizer: string }> {
  const { prompt, ids, tokenCount, temperature, topK, topP, alternativeCount } = request;
  return {
    ...{ prompt, temperature, topK, topP },
    promptIds: ids === null ? null : ids.join(','),
    tokens: tokenCount,
    alternatives: alternativeCount,
    tokenizer: await tokenizerPathOf(request),
    context: null,
  };
}

async function tell(generation: Generation, isPromptTold: boolean, hooks: TextHooks): Promise<void> {
  if (isPromptTold) hooks.piece({ prompt: promptOf(generation), written: [] });
  const { settings } = generation;
  let toldCount = 0;
  let toldMs = performance.now();
  const tellNew = (written: readonly WrittenToken[]): void => {
    hooks.piece({ written: written.slice(toldCount).map((token) => readToken(generation, token)) });
    toldCount = written.length;
    toldMs = performance.now();
  };
  for await (const written of generation.write()) {
    if (performance.now() - toldMs >= pieceIntervalMs) tellNew(written);
    hooks.progress({ fractionDone: written.length / settings.tokens, message: 'Writing' });
  }
  if (generation.written.length > toldCount) tellNew(generation.written);
}

/** Tokens that the model does not see, and the first that it does, are told without a surprise. */
function promptOf(generation: Generation): ReadToken[] {
  const { prompt, promptRead, tokenizer } = generation;
  const unread = prompt.slice(0, prompt.length - promptRead.length);
  return [
    ...unread.map((id): ReadToken => ({ id, text: textOf(tokenizer, id), judged: null })),
    ...promptRead.map((token) => readToken(generation, token)),
  ];
}

function readToken({ tokenizer }: Generation, token: WrittenToken): ReadToken {
  const { id, logProbability, likelierCount, entropy, alternatives } = token;
  return {
    id,
    text: textOf(tokenizer, id),
    judged: {
      surprise: toReportNumber(-logProbability),
      likelierCount,
      entropy: toReportNumber(entropy),
      alternatives: alternatives.map((other) => ({
        id: other.id,
        text: textOf(tokenizer, other.id),
        probability: Math.exp(other.logProbability),
      })),
    },
  };
}

function textOf(tokenizer: Generation['tokenizer'], id: number): string {
  return tokenizer?.textOf(id) ?? `#${String(id)}`;
}

function endOf({ written, tokenizer, prompt, contextLength }: Generation): Omit<ContinuedText, 'provider'> {
  const ids = written.map(({ id }) => id);
  const last = ids.at(-1);
  const isCut = contextLength !== undefined && prompt.length + ids.length > contextLength;
  return {
    writtenCount: ids.length,
    text: tokenizer?.decode(ids) ?? '',
    isEnded: last !== undefined && (tokenizer?.endIds ?? []).includes(last),
    seenAtMost: isCut ? contextLength : null,
  };
}
