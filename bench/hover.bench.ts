import { Grammars } from '../src/extension/hovers/code/grammars.js';
import { ParsedDocuments } from '../src/extension/hovers/code/parsedDocuments.js';
import { hoverSubject, type ReadModel } from '../src/extension/hovers/hoverSubject.js';
import { type ReadableDocument, readDocument } from '../src/extension/hovers/readDocument.js';
import type { AddressTable, ModelStructure } from '../src/protocol/structure.js';
import { layer, layerTableOf } from '../test/support/layerTableOf.js';
import { treeSitterFolder } from '../test/support/treeSitterFolder.js';
import type { BenchRow } from './benchRow.js';

/** The design's bar for a hover from cache. */
const maxMs = 20;

const roundCount = 200;

/**
 * Measures what the extension host does for a hover when documents are parsed and structures read: finding what is pointed
 * at and what models have of it. The 95th percentile is held to the bar; the editor's own way to the screen is not in it.
 */
export async function run(): Promise<BenchRow[]> {
  const parsed = new ParsedDocuments(new Grammars(treeSitterFolder()));
  const rows: BenchRow[] = [];
  for (const one of cases()) rows.push(...(await measured(one, parsed)));
  parsed.dispose();
  return rows;
}

interface Case {
  readonly name: string;
  readonly languageId: string;
  readonly text: string;
  /** The text that is pointed at, its last occurrence. */
  readonly place: string;
  readonly models: readonly ReadModel[];
}

function cases(): readonly Case[] {
  const small = [model('/home/ana/net.onnx', 20)];
  const large = [model('/home/ana/net.onnx', 10_000)];
  const many = Array.from({ length: 30 }, (_, index) => model(`/home/ana/${String(index)}/net.onnx`, 1000));
  const module = ['import numpy as np', 'import torch', 'from torch import nn', '', 'class Net(nn.Module):'];
  const body = (count: number): string[] => [
    '  def __init__(self):',
    ...Array.from({ length: count }, (_, index) => `    self.layer${String(index)} = nn.Linear(784, 256)`),
    '  def forward(self, x):',
    ...Array.from({ length: count }, (_, index) => `    x = self.layer${String(index)}(x)[:, 3]`),
  ];
  const code = (count: number): string =>
    [...module, ...body(count), 'print(acts["block.3.fc"][:, 42])'].join('\n');
  const statements = `${code(20)}\n${'total = total + int(count) * 3\n'.repeat(7000)}print(acts["block.3.fc"][:, 42])\n`;
  const script = `${'const total = count + Number(width) * 3;\n'.repeat(5500)}const a = acts['block.3.fc'][0][42];\n`;
  const text = `${'Some words about the network, one line after another.\n'.repeat(4000)}See block.3.fc[42].\n`;
  return [
    {
      name: 'training code of 50 lines',
      languageId: 'python',
      text: code(20),
      place: '[:, 42]',
      models: small,
    },
    {
      name: 'a member of a class of 500 layers',
      languageId: 'python',
      text: code(500),
      place: 'self.layer499(',
      models: large,
    },
    { name: 'Python of 220 kB', languageId: 'python', text: statements, place: '[:, 42]', models: small },
    { name: 'TypeScript of 220 kB', languageId: 'typescript', text: script, place: '[42]', models: small },
    { name: 'Markdown of 220 kB', languageId: 'markdown', text, place: '[42]', models: small },
    {
      name: 'a model of 10,000 layers',
      languageId: 'python',
      text: code(20),
      place: '[:, 42]',
      models: large,
    },
    {
      name: '30 models of 1,000 layers',
      languageId: 'python',
      text: code(20),
      place: '[:, 42]',
      models: many,
    },
  ];
}

/** A network of blocks with a dense layer and an activation each. */
function model(path: string, layerCount: number): ReadModel {
  const layers = Array.from({ length: layerCount / 2 }, (_, index) => [
    layer(`block.${String(index)}.fc`, {
      unitCount: 256,
      shape: ['N', 256],
      path: `/block.${String(index)}/fc/Gemm`,
    }),
    layer(`block.${String(index)}.act`, { kind: 'activation', unitCount: 256, shape: ['N', 256] }),
  ]).flat();
  const addresses: AddressTable = layerTableOf([
    ...layers,
    ...Array.from({ length: 4 }, (_, index) =>
      layer(`layer${String(index + 496)}`, { unitCount: 256, shape: ['N', 256] }),
    ),
  ]);
  // Hovers read nothing else of a structure.
  return { path, structure: { addresses } as ModelStructure };
}

async function measured(
  { name, languageId, text, place, models }: Case,
  parsed: ParsedDocuments,
): Promise<BenchRow[]> {
  const document: ReadableDocument = {
    key: name,
    version: 1,
    languageId,
    path: '/home/ana/train.py',
    text: () => text,
  };
  const offset = text.lastIndexOf(place) + place.length - 2;
  const where = { path: '/home/ana/train.py', folder: '/home/ana', chosen: undefined, links: [] };
  const hover = async (): Promise<number> => {
    const start = performance.now();
    const references = await readDocument(document, offset, parsed);
    if (hoverSubject(references, models, where) === undefined) {
      throw new Error(`Nothing is found in ${name}.`);
    }
    return performance.now() - start;
  };
  const first = await hover();
  const times: number[] = [];
  for (let round = 0; round < roundCount; round++) times.push(await hover());
  times.sort((a, b) => a - b);
  const value = times[Math.floor(0.95 * roundCount)] ?? NaN;
  return [
    {
      name: `hover: ${name}, 95 % within`,
      value,
      unit: 'ms',
      bar: `< ${String(maxMs)} ms`,
      ok: value < maxMs,
    },
    { name: `hover: ${name}, the first`, value: first, unit: 'ms' },
  ];
}
