import {
  type Attribute,
  type Dimension,
  type GraphNode,
  intAttribute,
  intsAttribute,
  type ValueType,
} from '../../model.js';
import type { DataType } from '../../dataTypes.js';
import { type Shape, sum } from '../dimensions.js';
import { tensorFact } from '../facts.js';
import { elementOf, type InferRule, like, type NodeView, type RuleEntries, shapeOf } from '../rule.js';

function rowsOf(view: NodeView): Dimension {
  const shape = shapeOf(view, 0);
  // A single row may come without its batch axis.
  return shape?.length === 1 ? 1 : (shape?.[0] ?? null);
}

function lengthOf(attribute: Attribute | undefined): number {
  switch (attribute?.kind) {
    case 'ints':
    case 'floats':
    case 'strings':
      return attribute.value.length;
    case 'tensor':
      return attribute.value.dims[0] ?? 0;
    default:
      return 0;
  }
}

/** Returns how many labels the first non-empty of the attributes lists, and their type. */
function labelsOf(node: GraphNode, names: readonly string[]): { count: number; elementType: DataType } {
  for (const name of names) {
    const attribute = node.attributes.get(name);
    const count = lengthOf(attribute);
    if (count > 0) return { count, elementType: attribute?.kind === 'strings' ? 'string' : 'int64' };
  }
  return { count: 0, elementType: 'int64' };
}

/** Outputs: label per row, scores `[rows, classes]`. */
function classifier(labelNames: readonly string[]): InferRule {
  return (view) => {
    const { count, elementType } = labelsOf(view.node, labelNames);
    const rows = rowsOf(view);
    // One listed label means two classes to some exporters, one score to others.
    const classes = count > 1 ? count : null;
    return [tensorFact(elementType, [rows]), tensorFact('float32', [rows, classes])];
  };
}

const support: InferRule = (view) => {
  const [labels, scores] = classifier(['classlabels_ints', 'classlabels_strings'])(view);
  const isTwoClass = lengthOf(view.node.attributes.get('prob_a')) === 0;
  const shape: Shape = [rowsOf(view), null];
  return [labels, isTwoClass ? tensorFact('float32', shape) : scores];
};

function regressor(targets: (node: GraphNode) => number | null): InferRule {
  return (view) => [tensorFact('float32', [rowsOf(view), targets(view.node)])];
}

const scaled: InferRule = (view) => [tensorFact('float32', shapeOf(view, 0))];

const sameType: InferRule = (view) => [like(view, 0, shapeOf(view, 0))];

const pickedColumns: InferRule = (view) => {
  const shape = shapeOf(view, 0);
  const picks = shapeOf(view, 1);
  const count = picks?.[picks.length - 1] ?? null;
  if (shape === null) return [like(view, 0, null)];
  return [like(view, 0, shape.length === 1 ? [1, count] : [...shape.slice(0, -1), count])];
};

const joinedColumns: InferRule = (view) => {
  const widths = intsAttribute(view.node, 'inputdimensions');
  const total = widths?.reduce<Dimension>((a, b) => sum(a, b), 0) ?? null;
  return [tensorFact('float32', [rowsOf(view), total])];
};

const oneHot: InferRule = (view) => {
  const { count } = labelsOf(view.node, ['cats_int64s', 'cats_strings']);
  const shape = shapeOf(view, 0);
  return [tensorFact('float32', shape === null ? null : [...shape, count])];
};

const mappedTypes: readonly (readonly [prefix: string, type: DataType])[] = [
  ['values_int64s', 'int64'],
  ['values_floats', 'float32'],
  ['values_strings', 'string'],
];

const labelEncoder: InferRule = (view) => {
  const { attributes } = view.node;
  const values = attributes.get('values_tensor');
  if (values?.kind === 'tensor') return [tensorFact(values.value.elementType, shapeOf(view, 0))];
  const listed = mappedTypes.find(([name]) => lengthOf(attributes.get(name)) > 0);
  // Version 1 maps between strings and integers, whichever way the input is.
  const swapped = elementOf(view, 0) === 'string' ? 'int64' : 'string';
  return [tensorFact(listed?.[1] ?? swapped, shapeOf(view, 0))];
};

const categoryMapper: InferRule = (view) => [
  tensorFact(elementOf(view, 0) === 'string' ? 'int64' : 'string', shapeOf(view, 0)),
];

const zipMap: InferRule = ({ node }) => {
  const keyType = labelsOf(node, ['classlabels_strings', 'classlabels_int64s']).elementType;
  const value: ValueType = { kind: 'tensor', elementType: 'float32', shape: null };
  return [{ type: { kind: 'sequence', element: { kind: 'map', keyType, value } } }];
};

const dictionary: InferRule = (view) => {
  const { count } = labelsOf(view.node, ['string_vocabulary', 'int64_vocabulary']);
  const type = view.inputs[0]?.type;
  const value = type?.kind === 'map' && type.value.kind === 'tensor' ? type.value.elementType : 'undefined';
  return [tensorFact(value, [1, count])];
};

const mapToTensor: InferRule = ({ node }) => {
  const attribute = node.attributes.get('cast_to');
  const target = attribute?.kind === 'string' ? attribute.value : 'TO_FLOAT';
  const types: Readonly<Record<string, DataType>> = {
    TO_FLOAT: 'float32',
    TO_INT64: 'int64',
    TO_STRING: 'string',
  };
  return [tensorFact(types[target] ?? 'float32', [1, null])];
};

/** Counts of n-grams: `[…, largest output index + 1]`. */
const ngrams: InferRule = (view) => {
  const indexes = intsAttribute(view.node, 'ngram_indexes') ?? [];
  const shape = shapeOf(view, 0);
  return [
    tensorFact('float32', shape === null ? null : [...shape.slice(0, -1), Math.max(...indexes, -1) + 1]),
  ];
};

/** ai.onnx.ml, and text operators of ai.onnx. */
export const machineLearningRules: RuleEntries = [
  ['ai.onnx.ml:LinearClassifier', classifier(['classlabels_ints', 'classlabels_strings'])],
  ['ai.onnx.ml:SVMClassifier', support],
  ['ai.onnx.ml:TreeEnsembleClassifier', classifier(['classlabels_int64s', 'classlabels_strings'])],
  ['ai.onnx.ml:LinearRegressor', regressor((node) => intAttribute(node, 'targets', 1))],
  ['ai.onnx.ml:SVMRegressor', regressor(() => 1)],
  ['ai.onnx.ml:TreeEnsembleRegressor', regressor((node) => intAttribute(node, 'n_targets', 1))],
  ['ai.onnx.ml:Scaler ai.onnx.ml:Normalizer', scaled],
  ['ai.onnx.ml:Binarizer ai.onnx.ml:Imputer', sameType],
  ['ai.onnx.ml:ArrayFeatureExtractor', pickedColumns],
  ['ai.onnx.ml:FeatureVectorizer', joinedColumns],
  ['ai.onnx.ml:OneHotEncoder', oneHot],
  ['ai.onnx.ml:LabelEncoder', labelEncoder],
  ['ai.onnx.ml:CategoryMapper', categoryMapper],
  ['ai.onnx.ml:ZipMap', zipMap],
  ['ai.onnx.ml:DictVectorizer', dictionary],
  ['ai.onnx.ml:CastMap', mapToTensor],
  ['TfIdfVectorizer', ngrams],
];
