import type { Model, ValueInfo } from '../../onnx/model.js';
import { makeNode } from '../graph/graphBuilder.js';

/** A model of one Relu, which every provider can open: what fails on it is the provider, not the model. */
export const probeModel: Model = {
  file: { path: '', realPath: '', fileSizeBytes: 0, sizeBytes: 0, externalPaths: [] },
  irVersion: 8,
  opsets: new Map([['', 17]]),
  producerName: 'neuron-inspector',
  producerVersion: '',
  domain: '',
  modelVersion: 0,
  metadata: new Map(),
  graph: {
    name: 'probe',
    inputs: [vector('x')],
    outputs: [vector('y')],
    nodes: [makeNode('Relu', ['x'], { outputs: ['y'] })],
    initializers: new Map(),
    sparseInitializers: [],
    valueInfo: new Map(),
    metadata: new Map(),
  },
  functions: [],
  warnings: [],
};

function vector(name: string): ValueInfo {
  return { name, type: { kind: 'tensor', elementType: 'float32', shape: [4] }, metadata: new Map() };
}
