import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createRandom } from '../../src/base/random.js';
import { writeNpz } from '../../src/data/npz.js';
import { int64Tensor, type TensorValue } from '../../src/onnx/tensorValue.js';
import { writeModel } from '../../src/onnx/writeModel.js';
import type { ModelAndData } from './cliModels.js';
import { selfAttention } from './fusedAttention.js';
import { normalTensor } from './modelBuilder.js';
import { binaryModel, binaryInput } from './plantedBinary.js';
import { branchingModel } from './plantedBranches.js';
import { historyLength, interestModel, itemCount } from './plantedInterest.js';
import { plantedDecoder, plantedLength, plantedVocabulary } from './plantedDecoder.js';
import { tinyLanguageModel, tinyRows } from './tinyLanguageModel.js';
import { unigramJson } from './tinyTokenizers.js';

/** Models for an analysis that needs what the smallest network lacks. */
export interface SpecialModels {
  /** The smallest model, and eight samples. */
  small(folder: string): Promise<ModelAndData>;
  /** A model and data that keep one run busy for a second at least. */
  slow(folder: string): Promise<ModelAndData>;
}

async function writeAttention(folder: string, dims: readonly number[]): Promise<ModelAndData> {
  const random = createRandom(6);
  const model = join(folder, 'attention.onnx');
  const data = join(folder, `attention-${dims.join('-')}.npz`);
  const weights = { weight: normalTensor(random, [4, 12]), bias: normalTensor(random, [12]) };
  await writeModel(selfAttention('plain', weights), model);
  await writeNpz(data, { x: normalTensor(random, dims) });
  return { model, data };
}

async function writeInterest(folder: string, sampleCount: number): Promise<ModelAndData> {
  const random = createRandom(7);
  const model = join(folder, 'interest.onnx');
  const data = join(folder, `interest-${String(sampleCount)}.npz`);
  const items = (width: number): TensorValue =>
    int64Tensor(
      Array.from({ length: sampleCount * width }, () => random.integer(itemCount)),
      [sampleCount, width],
    );
  await writeModel(interestModel(), model);
  await writeNpz(data, { history: items(historyLength), candidate: items(1) });
  return { model, data };
}

/** With a tokenizer of its seven tokens beside it. */
async function writeLanguage(folder: string, repeats?: number): Promise<ModelAndData> {
  const model = join(folder, `language-${String(repeats ?? 0)}.onnx`);
  const data = join(folder, 'rows.npz');
  await writeModel(tinyLanguageModel(repeats === undefined ? {} : { repeats }), model);
  writeFileSync(join(folder, 'tokenizer.json'), JSON.stringify(unigramJson()));
  await writeNpz(data, { input_ids: tinyRows(8, 5) });
  return { model, data };
}

async function writeDecoder(folder: string, sampleCount: number, repeats?: number): Promise<ModelAndData> {
  const model = join(folder, `decoder-${String(repeats ?? 0)}.onnx`);
  const data = join(folder, `sequences-${String(sampleCount)}.npz`);
  const random = createRandom(8);
  const ids = Array.from({ length: sampleCount * plantedLength }, () => random.integer(plantedVocabulary));
  await writeModel(plantedDecoder(repeats), model);
  await writeNpz(data, { input_ids: int64Tensor(ids, [sampleCount, plantedLength]) });
  return { model, data };
}

async function writeBranching(folder: string, sampleCount: number): Promise<ModelAndData> {
  const model = join(folder, 'branching.onnx');
  const data = join(folder, `branching-${String(sampleCount)}.npz`);
  await writeModel(branchingModel(), model);
  await writeNpz(data, { x: normalTensor(createRandom(8), [sampleCount, 2]) });
  return { model, data };
}

async function writeBinary(folder: string, sampleCount: number, size: number): Promise<ModelAndData> {
  const model = join(folder, `binary-${String(size)}.onnx`);
  const data = join(folder, `binary-${String(sampleCount)}-${String(size)}.npz`);
  await writeModel(binaryModel(size), model);
  await writeNpz(data, { x: binaryInput(sampleCount, size) });
  return { model, data };
}

/** By the id of the analysis. */
export const specialModels: Readonly<Record<string, SpecialModels>> = {
  'attention-maps': {
    small: (folder) => writeAttention(folder, [8, 5, 4]),
    slow: (folder) => writeAttention(folder, [16, 1000, 4]),
  },
  'positional-neurons': {
    small: (folder) => writeDecoder(folder, 8),
    slow: (folder) => writeDecoder(folder, 640, 2000),
  },
  'token-neurons': {
    small: (folder) => writeDecoder(folder, 8),
    slow: (folder) => writeDecoder(folder, 640, 2000),
  },
  generate: {
    small: (folder) => writeLanguage(folder),
    slow: (folder) => writeLanguage(folder, 20_000),
  },
  'module-usage': {
    small: (folder) => writeBranching(folder, 8),
    slow: (folder) => writeBranching(folder, 20_000),
  },
  'control-flow': {
    small: (folder) => writeBranching(folder, 8),
    slow: (folder) => writeBranching(folder, 20_000),
  },
  'binary-layers': {
    small: (folder) => writeBinary(folder, 8, 4),
    slow: (folder) => writeBinary(folder, 128, 48),
  },
  embeddings: {
    small: (folder) => writeInterest(folder, 8),
    slow: (folder) => writeInterest(folder, 200_000),
  },
};
