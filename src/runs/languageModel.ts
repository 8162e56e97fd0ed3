import { dirname, join, relative, resolve, sep } from 'node:path';
import { carriersOf } from '../analyses/prediction/attribution/carriers.js';
import { noLanguageModel } from '../analyses/prediction/generation/openGeneration.js';
import { contextLengthOf } from '../analyses/shared/language/contextLength.js';
import { decoderPortsOf } from '../analyses/shared/language/decoderPortsOf.js';
import { type LanguageTask, languageTask } from '../analyses/shared/language/languageTask.js';
import { UserError } from '../base/errors.js';
import { isInspectFileName } from '../data/dataNames.js';
import { writeNpz } from '../data/npz.js';
import { readInspectFile } from '../data/readInspectFile.js';
import { tokenizerBeside } from '../data/text/openTokenizer.js';
import { rowFeeds } from '../engine/generation/decoder.js';
import type { Model } from '../onnx/model.js';
import { convertToOpset17 } from '../onnx/opsets/convert.js';
import { inferTypes } from '../onnx/shapes/inferTypes.js';
import type { WriteTokensRequest, WrittenTokens } from '../protocol/engineMessages.js';
import {
  type LanguageModelFacts,
  type LanguageModelPlace,
  tokensFileName,
} from '../protocol/generatedText.js';
import { ensureFolder, writeFileAtomic } from './outputFiles.js';

/**
 * Tells what the playground needs to know of a language model.
 *
 * @throws UserError `no-language-model`, `tokenizer-missing`, and as reading the inspect file does.
 */
export async function describeLanguageModel(
  opened: Model,
  place: LanguageModelPlace,
): Promise<LanguageModelFacts> {
  const model = convertToOpset17(opened);
  const task = taskOf(model);
  const way = { from: task.ids, to: task.logits };
  return {
    tokenizerPath: await tokenizerPathOf(place),
    contextLength: contextLengthOf(model, task) ?? null,
    vocabularySize: task.vocabularySize ?? null,
    carriers: carriersOf(model, inferTypes(model), way),
  };
}

/**
 * Returns the tokenizer of a language model: the chosen one, that of its inspect file, or the one beside it.
 *
 * @throws UserError `tokenizer-missing`, and as reading the inspect file does.
 */
export async function tokenizerPathOf({
  modelPath,
  dataPath,
  tokenizerPath,
}: LanguageModelPlace): Promise<string> {
  if (tokenizerPath !== undefined) return tokenizerPath;
  const isDescribed = dataPath !== undefined && isInspectFileName(dataPath);
  const named = isDescribed ? (await readInspectFile(dataPath)).tokenizerPath : undefined;
  const found = named ?? tokenizerBeside(modelPath);
  if (found !== undefined) return found;
  throw new UserError(
    'tokenizer-missing',
    `${modelPath} takes token ids, and there is neither a tokenizer.json nor a SentencePiece tokenizer.model beside it that turns text into them. Put one there, name it as "tokenizer" in an .inspect.json, or choose it.`,
    { detail: { modelPath } },
  );
}

/**
 * Writes one row of tokens as data of a language model: an `.npz` with everything that the model takes, and the inspect file
 * that ties both to the tokenizer.
 *
 * @throws UserError `no-language-model`, `tokenizer-missing`, and as writing files does.
 */
export async function writeTokens(opened: Model, request: WriteTokensRequest): Promise<WrittenTokens> {
  const { ids, folder, modelPath } = request;
  const model = convertToOpset17(opened);
  const task = taskOf(model);
  const feeds = rowFeeds(decoderPortsOf(model, task), { tokens: ids });
  const tokenizerPath = await tokenizerPathOf(request);
  ensureFolder(folder);
  const dataPath = join(folder, tokensFileName);
  await writeNpz(join(folder, 'tokens.npz'), feeds);
  const file = {
    version: 1,
    model: relativeTo(dataPath, modelPath),
    data: { path: 'tokens.npz', kind: 'npz', inputs: { [task.ids]: { layout: 'NT' } } },
    tokenizer: relativeTo(dataPath, tokenizerPath),
  };
  writeFileAtomic(dataPath, `${JSON.stringify(file, null, 2)}\n`);
  return { dataPath };
}

function taskOf(model: Model): LanguageTask {
  const task = languageTask(model);
  if (task === undefined) throw noLanguageModel(model.file.path);
  return task;
}

/** Forward slashes, so that the file means the same on every system. */
function relativeTo(file: string, path: string): string {
  return relative(dirname(file), resolve(path)).split(sep).join('/');
}
