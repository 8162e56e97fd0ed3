import { floatAttribute, type GraphNode, intAttribute, stringAttribute } from '../../../onnx/model.js';
import type { Emitter } from '../../gradients/emitter.js';
import { formUnsupported } from '../../gradients/gradientErrors.js';
import { rankOf } from '../../gradients/staticShapes.js';
import { attributesOf, type Composite, float, microsoft } from '../entry.js';

const convAttributes = ['auto_pad', 'dilations', 'group', 'kernel_shape', 'pads', 'strides'];

/** Act(Conv(X, W, B) + Z). */
export const fusedConv = microsoft('FusedConv', ({ node, emit, inputs, input }) => {
  const convolved = emit.node(
    'Conv',
    inputs.slice(0, input(2) === undefined ? 2 : 3),
    attributesOf(node, convAttributes),
  );
  const addend = input(3);
  const sum = addend === undefined ? convolved : emit.add(convolved, addend);
  const given = node.attributes.get('activation_params');
  return [activate(emit, node, { x: sum, parameters: given?.kind === 'floats' ? given.value : [] })];
});

/** Act(Gemm(A, B, C)). */
export const fusedGemm = microsoft('FusedGemm', ({ node, emit, inputs, input }) => {
  const operands = inputs.slice(0, input(2) === undefined ? 2 : 3);
  const product = emit.node('Gemm', operands, attributesOf(node, ['alpha', 'beta', 'transA', 'transB']));
  const parameters = ['activation_alpha', 'activation_beta', 'activation_gamma'].flatMap((name) =>
    node.attributes.has(name) ? [floatAttribute(node, name, 0)] : [],
  );
  return [activate(emit, node, { x: product, parameters })];
});

interface Activated {
  readonly x: string;
  /** The activation's own numbers, in the order of its attributes. */
  readonly parameters: readonly number[];
}

/** Names of the numbers that a fused activation brings, in order. */
const parameterNames: Readonly<Record<string, readonly string[]>> = {
  Relu: [],
  Tanh: [],
  Sigmoid: [],
  Softplus: [],
  Softsign: [],
  HardSwish: [],
  Elu: ['alpha'],
  LeakyRelu: ['alpha'],
  ThresholdedRelu: ['alpha'],
  HardSigmoid: ['alpha', 'beta'],
};

function activate(emit: Emitter, node: GraphNode, { x, parameters }: Activated): string {
  const activation = stringAttribute(node, 'activation', '');
  if (activation === '') return x;
  if (activation === 'Clip') {
    const [low, high] = parameters;
    return emit.node('Clip', [
      x,
      ...[low, high].map((bound) => (bound === undefined ? '' : emit.scalar(bound))),
    ]);
  }
  const names = parameterNames[activation];
  if (names === undefined) throw formUnsupported(node, `activation=${activation}`);
  const attributes = names.flatMap((name, i) => {
    const value = parameters[i];
    return value === undefined ? [] : [[name, float(value)] as const];
  });
  return emit.node(activation, [x], Object.fromEntries(attributes));
}

function product({ context, node, emit, inputs: [a = '', b = ''] }: Composite): readonly string[] {
  const flag = (name: string): boolean => intAttribute(node, name, 0) === 1;
  const turned = (value: string, isSwapped: boolean, isBatchLast: boolean): string => {
    const rank = rankOf(context, value);
    if (rank < 2) return value;
    // With its batch last, the first axis holds the rows: [rows, batch …, columns].
    const rows = isBatchLast ? 0 : rank - 2;
    const batch = Array.from({ length: rank - 2 }, (_, axis) => (isBatchLast ? axis + 1 : axis));
    const matrix = isSwapped ? [rank - 1, rows] : [rows, rank - 1];
    return emit.transpose(value, [...batch, ...matrix]);
  };
  const result = emit.node('MatMul', [
    turned(a, flag('transA'), flag('transBatchA')),
    turned(b, flag('transB'), flag('transBatchB')),
  ]);
  return [emit.scale(result, floatAttribute(node, 'alpha', 1))];
}

/** α·A′·B′, each operand turned as its flags say. */
export const fusedMatMul = microsoft('FusedMatMul', product);

/** The older name of FusedMatMul. */
export const transposeMatMul = microsoft('TransposeMatMul', product);
