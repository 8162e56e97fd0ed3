import { weightsOutOf } from '../../../engine/weights/unitLinks.js';
import { readersOf } from '../../../engine/weights/unitReaders.js';
import type { LayerTable } from '../../../onnx/layers/layer.js';
import type { TypeTable } from '../../../onnx/shapes/typeTable.js';
import type { ChosenUnit } from './chosenUnit.js';

/** A layer that reads the neuron, with all its weights for it. */
export interface ReadUnit {
  readonly layer: string;
  readonly through: readonly string[];
  readonly values: Float64Array;
  readonly weightsEach: number;
}

/** What reads a neuron. */
export interface WhatReads {
  readonly readers: readonly ReadUnit[];
  readonly outputs: readonly string[];
  /** Layers and operators that take it in another way than by weights of its own. */
  readonly ends: readonly string[];
}

/**
 * Returns the weights of every layer that reads a neuron.
 *
 * @throws UserError as reading the file does.
 */
export async function readUnits(
  chosen: ChosenUnit,
  { table, types }: { readonly table: LayerTable; readonly types: TypeTable },
): Promise<WhatReads> {
  const { readers, outputs, ends } = readersOf(chosen, { table, types });
  const read: ReadUnit[] = [];
  const unread = [...ends];
  for (const reader of readers) {
    const found = await weightsOutOf(reader, table);
    if (found === undefined) unread.push(reader.layer.name);
    else read.push({ layer: reader.layer.name, through: reader.through, ...found });
  }
  return { readers: read, outputs, ends: unread };
}
