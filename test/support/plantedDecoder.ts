import { GraphBuilder } from '../../src/engine/graph/graphBuilder.js';
import type { Model } from '../../src/onnx/model.js';
import { float32Tensor, int64Tensor } from '../../src/onnx/tensorValue.js';
import { emptyModel, floatType } from './modelBuilder.js';

/** Tokens that the planted decoder knows, and positions. */
export const plantedVocabulary = 6;
export const plantedLength = 8;

/**
 * Returns a decoder whose feed-forward units were written by hand: token and position stand in the stream as one-hot vectors,
 * `mlp.fc1` → ReLU → `mlp.fc2` reads them. Its units are never active; active on token 3; at positions 0 to 2; on even tokens; and
 * on token 1 at position 7. `repeats` makes it slow.
 */
export function plantedDecoder(repeats?: number): Model {
  const builder = new GraphBuilder(emptyModel());
  builder.addInput('input_ids', { kind: 'tensor', elementType: 'int64', shape: ['N', 'T'] });
  const width = plantedVocabulary + plantedLength;
  const table = (rows: number, offset: number): Float32Array => {
    const data = new Float32Array(rows * width);
    for (let row = 0; row < rows; row++) data[row * width + offset + row] = 1;
    return data;
  };
  const number = (value: number): string => builder.constant(int64Tensor([value], []));
  const length = builder.node('Gather', [builder.node('Shape', ['input_ids']), number(1)]);
  const places = builder.node('Range', [number(0), length, number(1)]);
  const embed = builder.constant(
    float32Tensor(table(plantedVocabulary, 0), [plantedVocabulary, width]),
    'embed.weight',
  );
  const position = builder.constant(
    float32Tensor(table(plantedLength, plantedVocabulary), [plantedLength, width]),
    'position.weight',
  );
  let stream = builder.node('Add', [
    builder.node('Gather', [embed, 'input_ids']),
    builder.node('Gather', [position, places]),
  ]);
  if (repeats !== undefined) {
    const column = builder.node('Unsqueeze', [stream, builder.int64s([3])]);
    const many = builder.node('Expand', [column, builder.int64s([1, 1, 1, repeats])]);
    stream = builder.node('ReduceMean', [many], { attributes: { axes: [3], keepdims: 0 } });
  }
  const reads = (isOn: (token: number, place: number) => boolean): number[] =>
    Array.from({ length: width }, (_, at) =>
      isOn(at < plantedVocabulary ? at : -1, at < plantedVocabulary ? -1 : at - plantedVocabulary) ? 1 : 0,
    );
  const units: { readonly weights: number[]; readonly bias: number }[] = [
    { weights: reads(() => true), bias: -3 },
    { weights: reads((token) => token === 3), bias: -0.5 },
    { weights: reads((_, place) => place >= 0 && place < 3), bias: -0.5 },
    { weights: reads((token) => token >= 0 && token % 2 === 0), bias: -0.5 },
    { weights: reads((token, place) => token === 1 || place === 7), bias: -1.5 },
  ];
  const weight = Float32Array.from(
    { length: width * units.length },
    (_, at) => units[at % units.length]!.weights[Math.floor(at / units.length)]!,
  );
  const fc1 = builder.constant(float32Tensor(weight, [width, units.length]), 'mlp.fc1.weight');
  const bias = builder.constant(
    float32Tensor(
      units.map((unit) => unit.bias),
      [units.length],
    ),
    'mlp.fc1.bias',
  );
  const hidden = builder.node(
    'Add',
    [builder.node('MatMul', [stream, fc1], { name: '/mlp/fc1/MatMul' }), bias],
    { name: '/mlp/fc1/Add' },
  );
  const active = builder.node('Relu', [hidden], { name: '/mlp/act/Relu' });
  const down = Float32Array.from({ length: units.length * plantedVocabulary }, (_, at) => (at % 5) / 5);
  const fc2 = builder.constant(float32Tensor(down, [units.length, plantedVocabulary]), 'mlp.fc2.weight');
  const logits = builder.node('MatMul', [active, fc2], { outputs: ['logits'], name: '/mlp/fc2/MatMul' });
  builder.addOutput(logits, floatType('N', 'T', plantedVocabulary));
  return builder.build();
}
