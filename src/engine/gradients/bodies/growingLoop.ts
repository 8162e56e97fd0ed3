import { dataTypeFacts } from '../../../onnx/dataTypes.js';
import type { Graph, GraphNode, ValueType } from '../../../onnx/model.js';
import { int64Tensor } from '../../../onnx/tensorValue.js';
import { BodyWriter, extendBody } from '../../graph/bodyWriter.js';
import { makeNode } from '../../graph/graphBuilder.js';
import { Emitter } from '../emitter.js';
import type { RuleContext } from '../gradientRule.js';
import { operandsOf } from '../operands.js';
import { type BodyGradient, differentiateBody, type SavedValue } from './bodyGradient.js';
import { elementTypeOf } from './elementType.js';
import {
  type CarriedValue,
  type Iteration,
  type IterationSeeds,
  seedsOf,
  type Wanted,
  wantedInside,
} from './iteration.js';

/**
 * Appends the backward pass of a Loop whose carried values change their shape: a Loop from the last iteration to the first.
 *
 * Saved values of all iterations have no common shape, so the forward Loop carries a sequence for each of them. Gradients go
 * through it once: second order would have to differentiate these sequences.
 *
 * Returns the cotangent by operand name, or undefined where none reaches an operand.
 */
export function reverseGrowingLoop(
  context: RuleContext,
  iteration: Iteration,
): ReadonlyMap<string, string> | undefined {
  const wanted = wantedInside(context, iteration);
  const seeds = seedsOf(context, iteration, wanted.carried);
  const gradient = differentiateBody(context, {
    body: iteration.body,
    inputTypes: iteration.inputTypes,
    seeds: [...seeds.carried.values(), ...seeds.made.values()],
    wrt: [...wanted.carried.map(({ input }) => input), ...wanted.captures],
    isLoop: true,
  });
  if (gradient.gradients.size === 0) return undefined;
  return new GrowingLoop(context, iteration, { wanted, seeds, gradient }).emit();
}

interface Parts {
  readonly wanted: Wanted;
  readonly seeds: IterationSeeds;
  readonly gradient: BodyGradient;
}

const count = { kind: 'tensor', elementType: 'int64', shape: [] } as const;
const truth = { kind: 'tensor', elementType: 'bool', shape: [] } as const;

class GrowingLoop {
  private readonly saved: readonly SavedValue[];
  /** A carried value without a gradient, saved for its shape alone. */
  private readonly still: ReadonlyMap<CarriedValue, SavedValue>;

  constructor(
    private readonly context: RuleContext,
    private readonly iteration: Iteration,
    private readonly parts: Parts,
  ) {
    const { wanted, gradient } = parts;
    this.still = new Map(
      wanted.carried
        .filter(({ input }) => !gradient.gradients.has(input))
        .map((value) => [value, this.savedAs(value.input, this.context.typeOf(value.initial))]),
    );
    const all = [...gradient.saved, ...this.still.values()];
    this.saved = all.length > 0 ? all : [this.savedAs(iteration.clock, count)];
  }

  emit(): ReadonlyMap<string, string> | undefined {
    const { wanted, gradient } = this.parts;
    const captures = wanted.captures.filter((name) => gradient.gradients.has(name));
    const results = [...wanted.carried.map(({ initial }) => initial), ...captures];
    if (results.length === 0) return undefined;
    const outputs = results.map((name) => this.fresh(`ni/cotangent/${name}`));
    const initials = [
      ...wanted.carried.map(({ cotangent, final, initial }) => cotangent ?? this.zeros(final || initial)),
      ...captures.map((name) => this.zeros(name)),
    ];
    const sequences = this.saveForward();
    const { builder } = this.context;
    const length = builder.node('SequenceLength', [sequences[0] ?? '']);
    const last = builder.node('Sub', [length, builder.constant(int64Tensor([1], []))]);
    const body = this.backwardBody(captures, { sequences, last });
    builder.node('Loop', [length, '', ...initials], {
      outputs,
      attributes: { body: { kind: 'graph', value: body } },
    });
    return this.summed(results, outputs);
  }

  private savedAs(value: string, type: ValueType): SavedValue {
    const elementType = elementTypeOf(type);
    return {
      value,
      name: this.fresh(`ni/saved/${value}`),
      type: { kind: 'tensor', elementType, shape: null },
    };
  }

  /** Lets the forward Loop carry a sequence for each saved value, and returns the names of the whole ones. */
  private saveForward(): readonly string[] {
    const { node, builder } = this.context;
    const { carried, makes } = this.iteration;
    const carriedIn = this.saved.map(({ value }) => this.fresh(`ni/kept/${value}`));
    const { forward } = this.parts.gradient;
    const extended = extendBody(builder, forward, (writer) => {
      this.saved.forEach(({ value, type }, i) => {
        writer.output(writer.node('SequenceInsert', [carriedIn[i] ?? '', value]), sequenceOf(type));
      });
    });
    // First the condition and what is carried, then the stacks.
    const [start, end] = [1 + carried.length, forward.outputs.length];
    const { outputs } = extended;
    const value: Graph = {
      ...extended,
      inputs: [
        ...extended.inputs,
        ...this.saved.map(({ type }, i) => {
          return { name: carriedIn[i] ?? '', type: sequenceOf(type), metadata: new Map<string, string>() };
        }),
      ],
      outputs: [...outputs.slice(0, start), ...outputs.slice(end), ...outputs.slice(start, end)],
    };
    const empties = this.saved.map(({ type }) => this.emptySequence(node, type));
    const sequences = this.saved.map(({ value: name }) => this.fresh(`ni/sequence/${name}`));
    const own = Array.from(
      { length: carried.length + makes.length },
      (_, i) => node.outputs[i] || this.fresh('ni/Loop'),
    );
    const attributes = new Map(node.attributes);
    attributes.set('body', { kind: 'graph', value });
    builder.replaceNode(node, {
      ...node,
      attributes,
      inputs: [...node.inputs, ...empties],
      outputs: [...own.slice(0, carried.length), ...sequences, ...own.slice(carried.length)],
    });
    return sequences;
  }

  private emptySequence(node: GraphNode, type: SavedValue['type']): string {
    const output = this.fresh('ni/SequenceEmpty');
    const attributes = { dtype: dataTypeFacts(type.elementType).code };
    this.context.builder.insertBefore(node, makeNode('SequenceEmpty', [], { attributes, outputs: [output] }));
    return output;
  }

  private backwardBody(
    captures: readonly string[],
    { sequences, last }: { readonly sequences: readonly string[]; readonly last: string },
  ): Graph {
    const { wanted, seeds, gradient } = this.parts;
    const [step, on, index] = ['ni/step', 'ni/on', 'ni/index'].map((hint) => this.fresh(hint)) as [
      string,
      string,
      string,
    ];
    const reads = this.reads({ sequences, last, step, index });
    const writer = new BodyWriter(this.context.builder, {
      nodes: [...reads, ...gradient.nodes],
      initializers: gradient.initializers,
    });
    writer.input(step, count);
    writer.input(on, truth);
    const sums = captures.map((name) => this.fresh(`ni/sum/${name}`));
    for (const value of wanted.carried) {
      writer.input(seeds.carried.get(value)?.cotangent ?? '', this.shapeless(value.initial));
    }
    captures.forEach((name, i) => {
      writer.input(sums[i] ?? '', this.context.typeOf(name));
    });
    writer.output(on, truth);
    for (const value of wanted.carried) {
      const found = gradient.gradients.get(value.input);
      const type = elementTypeOf(this.context.typeOf(value.initial));
      const zeros = (): string => writer.zerosLike(this.still.get(value)?.name ?? '', type);
      writer.output(found ?? zeros(), this.shapeless(value.initial));
    }
    captures.forEach((name, i) => {
      const sum = writer.node('Add', [sums[i] ?? '', gradient.gradients.get(name) ?? '']);
      writer.output(sum, this.context.typeOf(name));
    });
    return writer.build('backward');
  }

  /** What the iteration saved, and its elements of the cotangents of stacks. */
  private reads(at: {
    readonly sequences: readonly string[];
    readonly last: string;
    readonly step: string;
    readonly index: string;
  }): readonly GraphNode[] {
    const { sequences, last, step, index } = at;
    return [
      makeNode('Sub', [last, step], { outputs: [index] }),
      ...this.saved.map(({ name }, i) =>
        makeNode('SequenceAt', [sequences[i] ?? '', index], { outputs: [name] }),
      ),
      ...[...this.parts.seeds.made].map(([{ cotangent = '' }, seed]) =>
        makeNode('Gather', [cotangent, index], { outputs: [seed.cotangent], attributes: { axis: 0 } }),
      ),
    ];
  }

  private shapeless(name: string): ValueType {
    return { kind: 'tensor', elementType: elementTypeOf(this.context.typeOf(name)), shape: null };
  }

  private zeros(name: string): string {
    const emit = new Emitter(this.context.builder, elementTypeOf(this.context.typeOf(name)));
    return emit.zeros(emit.shape(name));
  }

  private fresh(hint: string): string {
    return this.context.builder.freshName(hint);
  }

  /** A value may be an operand in several places; what nobody wants is left out. */
  private summed(results: readonly string[], outputs: readonly string[]): ReadonlyMap<string, string> {
    const operands = operandsOf(this.context.node);
    const sums = new Map<string, string>();
    results.forEach((name, i) => {
      if (!this.context.wants(operands.indexOf(name))) return;
      const known = sums.get(name);
      const output = outputs[i] ?? '';
      sums.set(name, known === undefined ? output : this.context.builder.node('Add', [known, output]));
    });
    return sums;
  }
}

function sequenceOf(type: SavedValue['type']): ValueType {
  return { kind: 'sequence', element: { ...type, shape: null } };
}
