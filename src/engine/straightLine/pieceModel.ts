import type { Model, ValueType } from '../../onnx/model.js';
import type { TensorValue } from '../../onnx/tensorValue.js';
import type { Feeds } from '../runtime/session.js';
import type { Piece } from './plan.js';

/** Returns a piece as a model of its own, its inputs typed as the values it was given; sizes are left open. */
export function pieceModel(model: Model, piece: Piece, feeds: Feeds): Model {
  return {
    ...model,
    graph: {
      name: `piece_${String(piece.id)}`,
      inputs: piece.inputs.map((name) => ({ name, type: typeOf(feeds[name]), metadata: new Map() })),
      outputs: piece.outputs.map((name) => ({ name, type: { kind: 'unknown' }, metadata: new Map() })),
      nodes: piece.nodes,
      initializers: piece.initializers,
      sparseInitializers: [],
      valueInfo: new Map(),
      metadata: new Map(),
    },
  };
}

/** Returns text that is the same for values that a piece takes with the same model: element types and ranks. */
export function signatureOf(piece: Piece, feeds: Feeds): string {
  return piece.inputs
    .map((name) => `${feeds[name]?.dtype ?? '?'} ${String(feeds[name]?.dims.length ?? 0)}`)
    .join(',');
}

function typeOf(value: TensorValue | undefined): ValueType {
  if (value === undefined) return { kind: 'unknown' };
  return { kind: 'tensor', elementType: value.dtype, shape: value.dims.map(() => null) };
}
