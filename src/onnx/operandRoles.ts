import { type GraphNode, qualifiedOperator } from './model.js';

const norm = { 1: 'scale', 2: 'bias' };
const weighted = { 1: 'weight', 2: 'bias' };
const quantised = { 4: 'weight scale', 5: 'weight zero point', 6: 'output scale', 7: 'output zero point' };
const quantisedInput = { 1: 'input scale', 2: 'input zero point' };
const recurrent = { 1: 'weight', 2: 'recurrent weight', 3: 'bias', 5: 'initial state' };

/** What constant operands are for, by operator and operand, counted from 0; as people call them, not as the standard does. */
const roles: Readonly<Record<string, Readonly<Record<number, string>>>> = {
  Conv: weighted,
  ConvTranspose: weighted,
  ConvInteger: { 1: 'weight', 2: 'input zero point', 3: 'weight zero point' },
  QLinearConv: { ...quantisedInput, 3: 'weight', ...quantised, 8: 'bias' },
  DeformConv: { 1: 'weight', 3: 'bias' },
  Gemm: weighted,
  MatMul: { 0: 'weight', 1: 'weight' },
  MatMulInteger: { 1: 'weight', 2: 'input zero point', 3: 'weight zero point' },
  QLinearMatMul: { ...quantisedInput, 3: 'weight', ...quantised },
  Gather: { 0: 'table', 1: 'indices' },
  LSTM: { ...recurrent, 6: 'initial cell', 7: 'peephole weight' },
  GRU: recurrent,
  RNN: recurrent,
  Add: { 0: 'bias', 1: 'bias' },
  Mul: { 0: 'factor', 1: 'factor' },
  PRelu: { 1: 'slope' },
  BatchNormalization: { ...norm, 3: 'mean', 4: 'variance' },
  InstanceNormalization: norm,
  GroupNormalization: norm,
  LayerNormalization: norm,
  RMSNormalization: norm,
  SimplifiedLayerNormalization: norm,
  DequantizeLinear: { 1: 'quantisation scale', 2: 'quantisation zero point' },
  QuantizeLinear: { 1: 'quantisation scale', 2: 'quantisation zero point' },
  Reshape: { 1: 'shape' },
  Expand: { 1: 'shape' },
  Slice: { 1: 'starts', 2: 'ends', 3: 'axes', 4: 'steps' },
  Pad: { 1: 'pads', 2: 'value' },
  Clip: { 1: 'minimum', 2: 'maximum' },
  Pow: { 1: 'exponent' },
  'com.microsoft:FusedConv': weighted,
  'com.microsoft:NhwcFusedConv': weighted,
  'com.microsoft:QLinearConv': { ...quantisedInput, 3: 'weight', ...quantised, 8: 'bias' },
  'com.microsoft:FusedGemm': weighted,
  'com.microsoft:QGemm': { ...quantisedInput, 3: 'weight', 4: 'weight scale', 6: 'bias' },
  'com.microsoft:FusedMatMul': { 1: 'weight' },
  'com.microsoft:MatMulNBits': { 1: 'weight', 2: 'weight scale', 3: 'weight zero point', 5: 'bias' },
  'com.microsoft:DynamicQuantizeMatMul': {
    ...{ 1: 'weight', 2: 'weight scale', 3: 'weight zero point', 4: 'bias' },
  },
  'com.microsoft:MatMulIntegerToFloat': { 1: 'weight', 6: 'bias' },
  'com.microsoft:Attention': weighted,
  'com.microsoft:LayerNormalization': norm,
  'com.microsoft:SimplifiedLayerNormalization': norm,
  'com.microsoft:SkipLayerNormalization': { 2: 'scale', 3: 'shift', 4: 'bias' },
  'com.microsoft:SkipSimplifiedLayerNormalization': { 2: 'scale', 3: 'bias' },
  'com.microsoft:EmbedLayerNormalization': {
    ...{ 2: 'word table', 3: 'position table', 4: 'segment table', 5: 'scale', 6: 'shift' },
  },
};

/** Returns what a constant operand of a node is for (`weight`, `bias`, `shape`); empty when its operator does not tell. */
export function operandRole(node: GraphNode, operand: number): string {
  return roles[qualifiedOperator(node)]?.[operand] ?? '';
}
