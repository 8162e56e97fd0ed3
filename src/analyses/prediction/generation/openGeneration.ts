import { UserError } from '../../../base/errors.js';
import type { Batch } from '../../../data/dataset.js';
import { readTokenizer, type Tokenizer } from '../../../data/text/tokenizer.js';
import { type Decoder, openDecoder, rowFeeds } from '../../../engine/generation/decoder.js';
import { generate, type WrittenToken } from '../../../engine/generation/generate.js';
import type { Feeds } from '../../../engine/runtime/session.js';
import type { AnalysisContext } from '../../analysis.js';
import { contextLengthOf } from '../../shared/language/contextLength.js';
import { decoderPortsOf } from '../../shared/language/decoderPortsOf.js';
import { type LanguageTask, languageTask } from '../../shared/language/languageTask.js';
import { maskedTokenizer } from '../../shared/language/maskedModel.js';
import { readTokens } from '../../shared/language/readTokens.js';
import { tokenizerOf } from '../../shared/language/tokenizerOf.js';

/** What a generation is asked for. */
export interface GenerationSettings {
  readonly prompt: string;
  readonly promptIds: string | null;
  readonly tokens: number;
  readonly temperature: number;
  readonly topK: number | null;
  readonly topP: number;
  readonly alternatives: number;
  readonly tokenizer: string | null;
  readonly context: number | null;
}

/** What a generation needs of a run. */
export type GenerationContext = Pick<AnalysisContext, 'model' | 'runtime' | 'random' | 'signal' | 'data'>;

/** A prompt and what is written after it. */
export interface Generation {
  readonly task: LanguageTask;
  readonly tokenizer: Tokenizer | undefined;
  readonly prompt: readonly number[];
  /** How sure the model is of the prompt's tokens but the first of those that it sees. */
  readonly promptRead: readonly WrittenToken[];
  readonly contextLength: number | undefined;
  /** Whether keys and values of earlier tokens were kept. */
  readonly isCached: boolean;
  readonly settings: GenerationSettings;
  readonly written: readonly WrittenToken[];
  /** Writes on; gives all that was written so far after each token. */
  write(): AsyncGenerator<readonly WrittenToken[]>;
  close(): Promise<void>;
}

/** What of a generation can be used again by the next one of the same model, tokenizer and runtime; empty before the first. */
export interface KeptParts {
  tokenizer?: Tokenizer;
  /** It is of a model that was found to write from left to right. */
  decoder?: Decoder;
}

/** How a generation is opened. */
export interface GenerationOptions {
  /** Judges the prompt's tokens; default. */
  readonly readsPrompt?: boolean;
  /** Where parts are taken from and left; whoever keeps them closes the decoder. */
  readonly kept?: KeptParts;
}

/**
 * Reads a prompt and opens the model to continue it.
 *
 * @throws UserError `no-language-model`, `masked-model`, `tokenizer-missing`, `tokenizer-mismatch`, `prompt-empty`.
 */
export async function openGeneration(
  context: GenerationContext,
  settings: GenerationSettings,
  { readsPrompt = true, kept }: GenerationOptions = {},
): Promise<Generation> {
  const { model, runtime, random, signal, data } = context;
  const request = { settings, random, signal };
  const task = languageTask(model, data);
  if (task === undefined) throw noLanguageModel(model.file.path);
  const tokenizer = kept?.tokenizer ?? (await tokenizerFor(context, settings));
  const prompt = promptOf(settings, tokenizer, task);
  const ports = decoderPortsOf(model, task);
  const contextLength = settings.context ?? contextLengthOf(model, task);
  const seen = contextLength === undefined ? prompt : prompt.slice(-contextLength);
  const feeds = rowFeeds(ports, { tokens: seen });
  const isTried = kept?.decoder !== undefined;
  if (!isTried && tokenizer !== undefined && (await isMasked(context, task, { feeds, tokenizer }))) {
    throw maskedModel(model.file.path);
  }
  const reading = { model, task, runtime, feeds, alternativeCount: settings.alternatives };
  const read = readsPrompt ? await readTokens(reading) : [];
  const decoder = kept?.decoder ?? (await openDecoder(model, ports, runtime));
  if (kept !== undefined) Object.assign(kept, { tokenizer, decoder });
  const written: WrittenToken[] = [];
  return {
    task,
    tokenizer,
    prompt,
    // A row that was filled up says nothing of what fills it.
    promptRead: read.slice(0, seen.length - 1),
    contextLength,
    isCached: decoder.isCached,
    settings,
    written,
    write: () => writeOn({ ...request, prompt, tokenizer, contextLength, decoder, written }),
    close: () => (kept === undefined ? decoder.close() : Promise.resolve()),
  };
}

/** Tried on the prompt itself, and only where the tokenizer can hide tokens: opening a large model once more takes seconds. */
async function isMasked(
  { model, runtime }: GenerationContext,
  task: LanguageTask,
  { feeds, tokenizer }: { readonly feeds: Feeds; readonly tokenizer: Tokenizer },
): Promise<boolean> {
  const [sampleCount, firstIndex] = [1, 0];
  async function* batches(): AsyncGenerator<Batch> {
    yield await Promise.resolve({ feeds, sampleCount, firstIndex, ids: ['prompt'] });
  }
  const tokens = { input: task.ids, tokenizer, path: '' };
  return (await maskedTokenizer({ model, task, runtime, data: { batches } }, tokens)) !== undefined;
}

function maskedModel(path: string): UserError {
  return new UserError(
    'masked-model',
    `${path} is a masked language model: what it scores at a place depends on the tokens behind it, so that it fills in hidden tokens and cannot write on from left to right. Choose a causal language model; runs with data give this one’s pseudo-perplexity.`,
    { detail: { path } },
  );
}

interface Writing extends Pick<Generation, 'prompt' | 'tokenizer' | 'contextLength' | 'settings'> {
  readonly decoder: Decoder;
  readonly random: AnalysisContext['random'];
  readonly signal: AbortSignal;
  readonly written: WrittenToken[];
}

async function* writeOn(writing: Writing): AsyncGenerator<readonly WrittenToken[]> {
  const { settings, tokenizer, written } = writing;
  const { temperature, topK, topP } = settings;
  const tokens = generate({
    ...writing,
    sampling: { temperature, topK: topK ?? undefined, topP },
    count: settings.tokens,
    endIds: new Set(tokenizer?.endIds ?? []),
    alternativeCount: settings.alternatives,
  });
  for await (const token of tokens) {
    written.push(token);
    yield written;
  }
}

async function tokenizerFor(
  { data, model }: GenerationContext,
  { tokenizer: path, promptIds }: GenerationSettings,
): Promise<Tokenizer | undefined> {
  if (path !== null) return await readTokenizer(path);
  const found = await tokenizerOf({ data, model });
  if (found !== undefined || promptIds !== null) return found;
  throw new UserError(
    'tokenizer-missing',
    `A prompt needs a tokenizer, and there is neither a tokenizer.json nor a SentencePiece tokenizer.model beside ${model.file.path}. Put one there, name it with tokenizer=…, or give the ids themselves with promptIds=1,2,3.`,
    { detail: { modelPath: model.file.path } },
  );
}

function promptOf(
  { prompt, promptIds }: GenerationSettings,
  tokenizer: Tokenizer | undefined,
  { vocabularySize = Infinity }: LanguageTask,
): number[] {
  const ids =
    promptIds === null
      ? [...(tokenizer?.prefix ?? []), ...(prompt === '' ? [] : (tokenizer?.encode(prompt) ?? []))]
      : promptIds.split(',').map(Number);
  if (ids.length === 0) {
    throw new UserError(
      'prompt-empty',
      'The prompt is empty, and this tokenizer puts nothing before a text. Write at least one word.',
    );
  }
  const beyond = ids.find((id) => id < 0 || id >= vocabularySize);
  if (beyond === undefined) return ids;
  throw new UserError(
    'tokenizer-mismatch',
    `The prompt has the token ${String(beyond)}, and the model knows 0 to ${String(vocabularySize - 1)}. Give the tokenizer that belongs to this model.`,
    { detail: { id: beyond, vocabularySize } },
  );
}

/** The error for a model that writes no text. */
export function noLanguageModel(path: string): UserError {
  return new UserError(
    'no-language-model',
    `${path} writes no text: that takes token ids [N, T] alone as input and scores [N, T, vocabulary] as output. Export the model with its head (for a causal language model).`,
    { detail: { path } },
  );
}
