import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { isInspectFileName } from '../../data/dataNames.js';
import { readInspectFile } from '../../data/readInspectFile.js';
import { parseAddress } from '../../onnx/addressGrammar.js';
import type { RunRequest } from '../../protocol/engineMessages.js';
import type { InspectFile } from '../../protocol/inspectFile.js';
import type { Report } from '../../protocol/report.js';
import { placeOfLayer, placeOfSymbol, rootClassOf } from './layerPlace.js';
import { type CodeClass, readPythonClasses } from './pythonClasses.js';

/** A line of the training code. */
export interface CodePlace {
  /** Absolute path. */
  readonly path: string;
  /** Line from 0. */
  readonly line: number;
}

/** What an inspect file says of code, and where it stands. */
export interface CodeOfInspectFile {
  readonly code: NonNullable<InspectFile['code']>;
  /** Folder that its paths are relative to. */
  readonly dir: string;
}

/**
 * Returns the lines of training code that make the layers of a report's findings, by address, where the inspect file of the run
 * names the code. Code that cannot be read has no lines.
 */
export async function findingPlaces(
  request: Pick<RunRequest, 'dataPath' | 'describedBy'>,
  report: Report,
): Promise<ReadonlyMap<string, CodePlace>> {
  const asked = request.describedBy ?? request.dataPath;
  if (asked === undefined || !isInspectFileName(asked)) return new Map();
  const { file, dir } = await readInspectFile(asked);
  if (file.code === undefined) return new Map();
  const addresses = report.findings.flatMap(({ address }) => address ?? []);
  return placesInCode(addresses, { code: file.code, dir }, readText);
}

/** Returns the lines of code that make the layers of addresses; `read` gives a file's text, undefined where it cannot be read. */
export async function placesInCode(
  addresses: readonly string[],
  { code, dir }: CodeOfInspectFile,
  read: (path: string) => Promise<string | undefined>,
): Promise<ReadonlyMap<string, CodePlace>> {
  const classesByPath = new Map<string, readonly CodeClass[]>();
  const classesOf = async (path: string): Promise<readonly CodeClass[]> => {
    const known = classesByPath.get(path) ?? readPythonClasses((await read(path)) ?? '');
    classesByPath.set(path, known);
    return known;
  };
  const codePath = resolve(dir, code.path);
  const layers = new Map(addresses.map((address) => [address, parseAddress(address).layer]));
  const root = code.class ?? rootClassOf(await classesOf(codePath), [...layers.values()]);
  const places = new Map<string, CodePlace>();
  for (const [address, layer] of layers) {
    const named = code.layers?.[layer];
    const colon = named?.lastIndexOf(':') ?? -1;
    const path = named === undefined || colon < 1 ? codePath : resolve(dir, named.slice(0, colon));
    const classes = await classesOf(path);
    const bySymbol = named === undefined ? undefined : placeOfSymbol(classes, named.slice(colon + 1));
    const place = bySymbol ?? placeOfLayer(classes, layer, root);
    if (place !== undefined) places.set(address, { path, line: place.line });
  }
  return places;
}

async function readText(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch {
    return undefined;
  }
}
