import { type GraphNode, intAttribute } from '../../model.js';
import { float32Tensor, int64Tensor, type TensorValue } from '../../tensorValue.js';
import {
  type ConversionContext,
  type Converted,
  type Converter,
  elementTypeOf,
  newNode,
  type VersionChange,
  withInput,
  withoutAttributes,
} from '../converter.js';

// Attributes that later versions take as inputs, so that they can be computed.

// Never through numbers: exporters write the largest int64 for "to the end".
function bigints(node: GraphNode, name: string): readonly bigint[] | undefined {
  const attribute = node.attributes.get(name);
  return attribute?.kind === 'ints' ? attribute.value : undefined;
}

function int64s(values: readonly (number | bigint)[]): TensorValue {
  return int64Tensor(values, [values.length]);
}

/** Moves an attribute of integers to input `index`. */
function intsToInput(attribute: string, index: number): Converter {
  return (node, context) => {
    const values = bigints(node, attribute);
    if (values === undefined) return node;
    return withInput(withoutAttributes(node, attribute), index, context.constant(int64s(values)));
  };
}

const slice: Converter = (node, context) => {
  const starts = bigints(node, 'starts') ?? [];
  const ends = bigints(node, 'ends') ?? [];
  const axes = bigints(node, 'axes');
  const inputs = [node.inputs[0] ?? '', ...[starts, ends].map((list) => context.constant(int64s(list)))];
  if (axes !== undefined) inputs.push(context.constant(int64s(axes)));
  return { ...withoutAttributes(node, 'starts', 'ends', 'axes'), inputs };
};

const topK: Converter = (node, context) => {
  const count = context.constant(int64s([intAttribute(node, 'k', 1)]));
  return withInput(withoutAttributes(node, 'k'), 1, count);
};

/** A float attribute as a scalar of the type of the node's first input. */
function floatInput(
  node: GraphNode,
  attribute: string,
  context: ConversionContext,
): { readonly name: string; readonly before: readonly GraphNode[] } | undefined {
  const given = node.attributes.get(attribute);
  if (given?.kind !== 'float') return undefined;
  const [data = ''] = node.inputs;
  const constant = context.constant(float32Tensor([given.value], []));
  if (elementTypeOf(context, data) === 'float32') return { name: constant, before: [] };
  const name = context.freshName(`${constant}/cast`);
  return { name, before: [newNode('CastLike', { inputs: [constant, data], output: name })] };
}

/** Moves float attributes to inputs; `inputs` names the attribute of each position. */
function floatsToInputs(inputs: Readonly<Record<string, number>>): Converter {
  return (node, context): Converted => {
    const before: GraphNode[] = [];
    let result = withoutAttributes(node, ...Object.keys(inputs));
    for (const [attribute, index] of Object.entries(inputs)) {
      const input = floatInput(node, attribute, context);
      if (input === undefined) continue;
      before.push(...input.before);
      result = withInput(result, index, input.name);
    }
    return { before, node: result };
  };
}

const pad: Converter = (node, context) => {
  const pads = bigints(node, 'pads') ?? bigints(node, 'paddings') ?? [];
  const padded = withInput(withoutAttributes(node, 'pads', 'paddings'), 1, context.constant(int64s(pads)));
  return floatsToInputs({ value: 2 })(padded, context);
};

const dropout: Converter = (node, context) => {
  const given = node.attributes.get('ratio');
  const ratio = context.constant(float32Tensor([given?.kind === 'float' ? given.value : 0.5], []));
  return withInput(withoutAttributes(node, 'ratio'), 1, ratio);
};

/** Version changes that turn attributes into inputs. */
export const attributesToInputs: readonly VersionChange[] = [
  { operators: 'Slice', version: 10, convert: slice },
  { operators: 'TopK', version: 10, convert: topK },
  { operators: 'Clip', version: 11, convert: floatsToInputs({ min: 1, max: 2 }) },
  { operators: 'Pad', version: 11, convert: pad },
  { operators: 'Dropout', version: 12, convert: dropout },
  { operators: 'ReduceSum Squeeze Unsqueeze', version: 13, convert: intsToInput('axes', 1) },
  { operators: 'Split', version: 13, convert: intsToInput('split', 1) },
];
