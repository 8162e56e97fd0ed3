import { dataTypeFacts } from '../../dataTypes.js';
import {
  bodiesOf,
  type Graph,
  type GraphNode,
  intAttribute,
  intsAttribute,
  type ValueInfo,
} from '../../model.js';
import {
  type Converted,
  type Converter,
  elementTypeOf,
  int,
  newNode,
  notConvertible,
  type VersionChange,
  withAttribute,
  withoutAttributes,
} from '../converter.js';

/** The mask was of the data's type before opset 10 and is boolean since. */
const numericMask: Converter = (node, context): Converted => {
  const [output = '', mask = ''] = node.outputs;
  if (mask === '' || !context.isUsed(mask)) return { node: { ...node, outputs: [output] } };
  const flags = context.freshName(`${mask}/flags`);
  const to = int(dataTypeFacts(elementTypeOf(context, node.inputs[0] ?? '') ?? 'float32').code);
  return {
    node: { ...node, outputs: [output, flags] },
    after: [newNode('Cast', { inputs: [flags], output: mask, attributes: { to } })],
  };
};

const formerPixelCentres: Converter = (node) =>
  node.attributes.has('coordinate_transformation_mode')
    ? node
    : withAttribute(node, 'coordinate_transformation_mode', { kind: 'string', value: 'output_half_pixel' });

function elementInput(name: string): ValueInfo {
  return { name, type: { kind: 'unknown' }, metadata: new Map() };
}

/**
 * Opset 8 scanned axis 1 of every row of a batch; a scan over the rows of a scan does the same. The body's inputs keep
 * their declared types.
 */
const rowsOfBatch: Converter = (node, context) => {
  const body = bodiesOf(node).find(({ attribute }) => attribute === 'body')?.graph;
  const [lengths = '', ...values] = node.inputs;
  if (body === undefined) return node;
  if (lengths !== '') throw notConvertible(node, context.opset, 'its sequences have lengths of their own');
  const scanCount = intAttribute(node, 'num_scan_inputs', 1);
  const names = values.map((_, i) => context.freshName(`${node.outputs[0] ?? ''}/row${i}`));
  const results = node.outputs.map((_, i) => context.freshName(`${node.outputs[0] ?? ''}/result${i}`));
  const directions = intsAttribute(node, 'directions');
  let inner: GraphNode = {
    ...withoutAttributes(node, 'directions'),
    name: '',
    inputs: names,
    outputs: results,
  };
  if (directions !== undefined) {
    inner = withAttribute(inner, 'scan_input_directions', { kind: 'ints', value: directions.map(BigInt) });
  }
  const stateCount = values.length - scanCount;
  const outer: Graph = {
    name: `${body.name}/rows`,
    inputs: names.map((name, i) => (i < stateCount ? { ...typedLike(body, i), name } : elementInput(name))),
    outputs: results.map((name, i) =>
      i < stateCount ? { ...typedLike(body, i), name } : elementInput(name),
    ),
    nodes: [inner],
    initializers: new Map(),
    sparseInitializers: [],
    valueInfo: new Map(),
    metadata: new Map(),
  };
  const plain: GraphNode = { ...node, inputs: values, attributes: new Map() };
  const counted = withAttribute(plain, 'num_scan_inputs', int(values.length));
  return withAttribute(counted, 'body', { kind: 'graph', value: outer });
};

function typedLike(body: Graph, index: number): ValueInfo {
  return body.inputs[index] ?? elementInput('');
}

/** Version changes of single operators. */
export const remaining: readonly VersionChange[] = [
  { operators: 'Dropout', version: 7, convert: (node) => withoutAttributes(node, 'is_test') },
  { operators: 'Dropout', version: 10, convert: numericMask },
  { operators: 'GRU LSTM RNN', version: 7, convert: (node) => withoutAttributes(node, 'output_sequence') },
  { operators: 'RoiAlign', version: 16, convert: formerPixelCentres },
  { operators: 'Scan', version: 9, convert: rowsOfBatch },
  { operators: 'Scatter', version: 11, convert: (node) => ({ ...node, opType: 'ScatterElements' }) },
];
