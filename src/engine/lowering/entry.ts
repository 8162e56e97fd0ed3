import type { Attribute, GraphNode } from '../../onnx/model.js';
import { latestOpset } from '../gradients/gradientRule.js';
import { type Emitter, emitterFor } from '../gradients/emitter.js';
import type { Lowering, LoweringContext } from './lowering.js';

/** Operands of a composite as its entry sees them. */
export interface Composite {
  readonly context: LoweringContext;
  readonly node: GraphNode;
  readonly emit: Emitter;
  /** Names of the operands; empty where omitted. */
  readonly inputs: readonly string[];
  /** Returns an operand, or undefined where it is omitted. */
  readonly input: (index: number) => string | undefined;
}

type Lower = (composite: Composite) => readonly (string | undefined)[];

/** Returns the entry of an operator; by default of all opsets that models are differentiated in. */
export function lowering(
  operator: { readonly opType: string; readonly domain: string; readonly first?: number },
  lower: Lower,
  more: Pick<Lowering, 'replaces' | 'isStraightThrough'> = {},
): Lowering {
  const { opType, domain, first = 1 } = operator;
  return {
    ...more,
    opType,
    domain,
    opsets: [first, latestOpset],
    lower: (context) => lower(compositeOf(context)),
  };
}

/** Returns the entry of an operator of ONNX Runtime's own. */
export function microsoft(
  opType: string,
  lower: Lower,
  more: Pick<Lowering, 'replaces' | 'isStraightThrough'> = {},
): Lowering {
  return lowering({ opType, domain: 'com.microsoft' }, lower, more);
}

function compositeOf(context: LoweringContext): Composite {
  const { node } = context;
  const input = (index: number): string | undefined => {
    const name = node.inputs[index] ?? '';
    return name === '' ? undefined : name;
  };
  return { context, node, emit: emitterFor(context), inputs: node.inputs, input };
}

/** Returns those of a node's attributes that are named. */
export function attributesOf(node: GraphNode, names: readonly string[]): Readonly<Record<string, Attribute>> {
  return Object.fromEntries([...node.attributes].filter(([name]) => names.includes(name)));
}

/** Returns a float attribute as builders take it. */
export function float(value: number): Attribute {
  return { kind: 'float', value };
}
