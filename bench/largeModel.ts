import { closeSync, ftruncateSync, openSync, writeSync } from 'node:fs';
import { bytes, int, nodeFields, tensorFields, valueFields, varint } from '../test/support/protoBytes.js';

/** Layers of every large model of one comparison: equal structure, so that only the weights' bytes differ. */
const defaultLayerCount = 250;

/** What a large model looks like on disk. */
export interface LargeModel {
  readonly path: string;
  /** Each layer's weight is a float32 square of this width. */
  readonly width: number;
  /** Layers of four nodes each. */
  readonly layerCount?: number;
  /** Name of the file with the weights; without one they stand in the model. */
  readonly dataName?: string;
}

/**
 * Writes a model of dense layers as PyTorch exports them, of 1,000 nodes unless told otherwise, and returns the bytes of
 * its weights.
 *
 * The weights are holes: the files are as long as real ones and take no room on the disk.
 */
export function writeLargeModel(model: LargeModel): number {
  const weightBytes = model.width ** 2 * 4;
  const fields = graphFields(model, weightBytes);
  const graphBytes = fields.reduce((sum, { head, holeBytes }) => sum + head.length + holeBytes, 0);
  const fd = openSync(model.path, 'w');
  let position = 0;
  const append = (content: Uint8Array): void => {
    position += writeSync(fd, content, 0, content.length, position);
  };
  append(Buffer.concat([int(1, 8), bytes(2, 'pytorch'), bytes(8, bytes(1, ''), int(2, 17))]));
  append(Buffer.concat([varint(7 * 8 + 2), varint(graphBytes)]));
  for (const { head, holeBytes } of fields) {
    append(head);
    position += holeBytes;
  }
  ftruncateSync(fd, position);
  closeSync(fd);
  return weightBytes * (model.layerCount ?? defaultLayerCount);
}

interface Field {
  readonly head: Buffer;
  /** Length of the weight that follows, left as a hole. */
  readonly holeBytes: number;
}

function graphFields(model: LargeModel, weightBytes: number): readonly Field[] {
  const { width, layerCount = defaultLayerCount } = model;
  const plain = (head: Buffer): Field => ({ head, holeBytes: 0 });
  const fields: Field[] = [plain(bytes(2, 'main_graph'))];
  for (let i = 0; i < layerCount; i++) fields.push(...layerNodes(i).map(plain));
  for (let i = 0; i < layerCount; i++) {
    const name = `layers.${i}.linear`;
    fields.push(weightField(model, `${name}.weight`, weightBytes, i));
    fields.push(plain(bytes(5, tensorFields(`${name}.bias`, 1, [width], bytes(9, Buffer.alloc(width * 4))))));
  }
  fields.push(plain(bytes(11, valueFields('h0', 1, ['batch', width]))));
  fields.push(plain(bytes(12, valueFields(`h${layerCount}`, 1, ['batch', width]))));
  return fields;
}

function layerNodes(i: number): readonly Buffer[] {
  const scope = `/layers.${i}`;
  const metadata = bytes(9, bytes(1, 'namespace'), bytes(2, `: Net/layers.${i}: Block`));
  const node = (opType: string, inputs: string[], output: string, name: string): Buffer =>
    bytes(1, nodeFields(opType, inputs, [output], bytes(3, name), metadata));
  return [
    node('MatMul', [`h${i}`, `layers.${i}.linear.weight`], `m${i}`, `${scope}/linear/MatMul`),
    node('Add', [`m${i}`, `layers.${i}.linear.bias`], `a${i}`, `${scope}/linear/Add`),
    node('Relu', [`a${i}`], `r${i}`, `${scope}/act/Relu`),
    node('Add', [`r${i}`, `h${i}`], `h${i + 1}`, `${scope}/Add`),
  ];
}

function weightField(model: LargeModel, name: string, weightBytes: number, index: number): Field {
  const { width, dataName } = model;
  if (dataName !== undefined) {
    const entry = (key: string, value: string): Buffer => bytes(13, bytes(1, key), bytes(2, value));
    const reference = [
      entry('location', dataName),
      entry('offset', String(index * weightBytes)),
      entry('length', String(weightBytes)),
      int(14, 1),
    ];
    return { head: bytes(5, tensorFields(name, 1, [width, width], ...reference)), holeBytes: 0 };
  }
  const tensor = Buffer.concat([
    tensorFields(name, 1, [width, width]),
    varint(9 * 8 + 2),
    varint(weightBytes),
  ]);
  const header = Buffer.concat([varint(5 * 8 + 2), varint(tensor.length + weightBytes)]);
  return { head: Buffer.concat([header, tensor]), holeBytes: weightBytes };
}
