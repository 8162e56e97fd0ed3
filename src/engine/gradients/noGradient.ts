import type { GraphNode } from '../../onnx/model.js';
import type { NoGradient } from './gradientRule.js';

const integers = 'its result is an index, a size or a truth value, which does not change continuously';
const steps = 'it is constant between jumps, so its derivative is 0 wherever it exists';
const constants = 'its result does not depend on the elements of its operands';
const random = 'its result is drawn at random and does not depend on the elements of its operands';
const discrete = 'it works on whole numbers, text or truth values only';
const bits = 'it reads the same bits as numbers of another type, which is no continuous map';

/** Operators through which no gradient flows, each with the mathematical reason. */
export const noGradients: readonly NoGradient[] = (
  [
    [integers, ['ArgMax', 'ArgMin', 'NonZero', 'Unique', 'NonMaxSuppression', 'Multinomial', 'Bernoulli']],
    [integers, ['SequenceLength', 'OptionalHasElement']],
    [integers, ['Equal', 'Greater', 'GreaterOrEqual', 'Less', 'LessOrEqual', 'IsNaN', 'IsInf']],
    [steps, ['Sign', 'Floor', 'Ceil', 'Round', 'Hardmax']],
    [constants, ['Shape', 'Size', 'Constant', 'ConstantOfShape', 'EyeLike']],
    [constants, ['HannWindow', 'HammingWindow', 'BlackmanWindow', 'MelWeightMatrix']],
    [random, ['RandomNormal', 'RandomNormalLike', 'RandomUniform', 'RandomUniformLike']],
    [
      discrete,
      ['And', 'Or', 'Xor', 'Not', 'BitShift', 'BitwiseAnd', 'BitwiseOr', 'BitwiseXor', 'BitwiseNot'],
    ],
    [discrete, ['StringNormalizer', 'StringConcat', 'StringSplit', 'RegexFullMatch']],
    [discrete, ['TfIdfVectorizer', 'ImageDecoder']],
    [bits, ['BitCast']],
  ] as const
).flatMap(([reason, operators]) => operators.map((opType) => ({ opType, domain: '', reason })));

const reasons = new Map(noGradients.map((fact) => [`${fact.domain}:${fact.opType}`, fact.reason]));

/** Returns why no gradient flows through a node, or undefined when one may. */
export function noGradientReason(node: Pick<GraphNode, 'domain' | 'opType'>): string | undefined {
  return reasons.get(`${node.domain}:${node.opType}`);
}

/** Operators of ai.onnx whose gradient exists and is not written yet, and what is in the way. */
export const notDoneYet: ReadonlyMap<string, string> = new Map();
