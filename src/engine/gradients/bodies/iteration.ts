import { capturesOf } from '../../../onnx/graphIndex.js';
import type { Graph, ValueType } from '../../../onnx/model.js';
import { type AttributeInput, makeNode, type NodeOptions } from '../../graph/graphBuilder.js';
import { Emitter } from '../emitter.js';
import type { RuleContext, Seed } from '../gradientRule.js';
import { operandsOf } from '../operands.js';
import { activeRounds, type Round } from './activeInputs.js';
import { type BodyGradient, differentiateBody, type SavedValue } from './bodyGradient.js';
import { bodyModel } from './bodyModel.js';
import { BodyWriter, extendBody } from '../../graph/bodyWriter.js';
import { elementTypeOf } from './elementType.js';

/** A carried value: what it is inside the body and around the node. */
export interface CarriedValue extends Round {
  readonly initial: string;
  /** Name of the last value around the node; empty when it is omitted. */
  readonly final: string;
  readonly cotangent: string | undefined;
}

/** How the elements of a stack meet the iterations; direction 1 goes from the end. */
export interface StackOrder {
  readonly axis: number;
  readonly direction: number;
}

/** A stack around the node whose elements the body reads one by one. */
export interface ReadStack extends StackOrder {
  readonly input: string;
  readonly source: string;
  readonly type: ValueType;
}

/** A stack of values that the body makes, with its cotangent. */
export interface MadeStack extends StackOrder {
  readonly output: string;
  readonly cotangent: string | undefined;
  readonly type: ValueType;
}

/** A Loop or Scan, said in one way. */
export interface Iteration {
  readonly body: Graph;
  /** Types of the body's inputs, by position. */
  readonly inputTypes: readonly ValueType[];
  readonly carried: readonly CarriedValue[];
  readonly reads: readonly ReadStack[];
  readonly makes: readonly MadeStack[];
  /** The input of the body that tells how many iterations there were: it is saved where nothing else is. */
  readonly clock: string;
  /** Whether there may be no iteration, which a Scan does not allow. */
  readonly mayBeEmpty: boolean;
}

/** A Loop or Scan with its backward pass appended. */
export interface IterationGradient {
  /** The body, which also makes the saved values as its last outputs. */
  readonly forward: Graph;
  /** Names of the stacks of saved values, for the node's last outputs. */
  readonly stacks: readonly string[];
  /** Cotangent by operand name. */
  readonly cotangents: ReadonlyMap<string, string>;
}

/**
 * Appends a Scan that goes through the iterations backwards: it carries the cotangents of the carried values and the sums
 * for what the body captures, and reads the saved values and the cotangents of stacks.
 *
 * Returns undefined where no cotangent reaches an operand.
 */
export function reverseIteration(context: RuleContext, iteration: Iteration): IterationGradient | undefined {
  const wanted = wantedInside(context, iteration);
  const seeds = seedsOf(context, iteration, wanted.carried);
  const gradient = differentiateBody(context, {
    body: iteration.body,
    inputTypes: iteration.inputTypes,
    seeds: [...seeds.carried.values(), ...seeds.made.values()],
    wrt: [
      ...wanted.carried.map(({ input }) => input),
      ...wanted.reads.map(({ input }) => input),
      ...wanted.captures,
    ],
    isLoop: true,
  });
  return new ReverseScan(context, iteration, { wanted, seeds, gradient }).emit();
}

/** What of an iteration gradients are wanted by. */
export interface Wanted {
  readonly carried: readonly CarriedValue[];
  readonly reads: readonly ReadStack[];
  readonly captures: readonly string[];
}

/** Returns the values of the body, and those that it captures, that gradients are wanted by. */
export function wantedInside(context: RuleContext, { body, inputTypes, carried, reads }: Iteration): Wanted {
  const operands = operandsOf(context.node);
  const isWanted = (name: string): boolean => context.wants(operands.indexOf(name));
  const captures = [...capturesOf(body)].filter(isWanted);
  const wantedReads = reads.filter(({ source }) => isWanted(source));
  const { types } = bodyModel(context, { body, inputTypes });
  const start = new Set([
    ...captures,
    ...wantedReads.map(({ input }) => input),
    ...carried.filter(({ initial }) => isWanted(initial)).map(({ input }) => input),
  ]);
  const active = activeRounds(body, carried, {
    wanted: start,
    typeOf: (name) => types.get(name) ?? { kind: 'unknown' },
  });
  return { carried: carried.filter(({ input }) => active.has(input)), reads: wantedReads, captures };
}

/** The values of the body that cotangents come to, with names for these. */
export interface IterationSeeds {
  readonly carried: ReadonlyMap<CarriedValue, Seed>;
  readonly made: ReadonlyMap<MadeStack, Seed>;
}

/** Returns the seeds of the body: what it carries on and what it stacks. */
export function seedsOf(
  { builder }: RuleContext,
  { makes }: Iteration,
  carried: readonly CarriedValue[],
): IterationSeeds {
  const seed = (value: string): Seed => ({ value, cotangent: builder.freshName(`ni/cotangent/${value}`) });
  const seeded = makes.filter(({ cotangent }) => cotangent !== undefined);
  return {
    carried: new Map(carried.map((value) => [value, seed(value.output)])),
    made: new Map(seeded.map((stack) => [stack, seed(stack.output)])),
  };
}

interface ReverseParts {
  readonly wanted: Wanted;
  readonly seeds: IterationSeeds;
  readonly gradient: BodyGradient;
}

interface ScanPart extends StackOrder {
  /** Name around the Scan. */
  readonly outside: string;
}

/** Writes the Scan that goes backwards. */
class ReverseScan {
  private readonly writer: BodyWriter;
  private readonly initials: string[] = [];
  private readonly finals: string[] = [];
  private readonly carriedTypes: ValueType[] = [];
  private readonly inputs: ScanPart[] = [];
  private readonly outputs: ScanPart[] = [];
  private readonly saved: SavedValue[] = [];
  private readonly stacks: string[] = [];
  private readonly cotangents = new Map<string, string[]>();

  constructor(
    private readonly context: RuleContext,
    private readonly iteration: Iteration,
    private readonly parts: ReverseParts,
  ) {
    this.writer = new BodyWriter(context.builder, parts.gradient);
  }

  emit(): IterationGradient | undefined {
    const { builder } = this.context;
    const { gradients } = this.parts.gradient;
    if (gradients.size === 0) return undefined;
    const captures = this.parts.wanted.captures.filter((name) => gradients.has(name));
    // Inputs in the order of a Scan's: first what is carried, then what is read.
    for (const value of this.parts.wanted.carried) this.startCotangent(value);
    const sums = captures.map((name) => this.startSum(name));
    for (const value of this.parts.gradient.saved) this.readSaved(value);
    for (const [stack, seed] of this.parts.seeds.made) this.readCotangent(stack, seed);
    if (this.inputs.length === 0) this.readClock();
    for (const value of this.parts.wanted.carried) this.passOn(value);
    captures.forEach((name, i) => {
      this.addUp(name, sums[i] ?? '');
    });
    for (const stack of this.parts.wanted.reads) this.handOut(stack);
    const outputs = [...this.finals, ...this.outputs.map(({ outside }) => outside)];
    if (outputs.length === 0) return undefined;
    const inputs = [...this.initials, ...this.inputs.map(({ outside }) => outside)];
    const scan = { outputs, attributes: this.attributes() };
    if (this.iteration.mayBeEmpty) this.guarded(inputs, scan);
    else builder.node('Scan', inputs, scan);
    return { forward: this.savingBody(), stacks: this.stacks, cotangents: this.summed() };
  }

  /** Without an iteration, cotangents pass by. */
  private guarded(
    inputs: readonly string[],
    scan: Required<Pick<NodeOptions, 'outputs' | 'attributes'>>,
  ): void {
    const { builder } = this.context;
    const [stack = ''] = this.inputs.map(({ outside }) => outside);
    const length = builder.node('Shape', [stack], { attributes: { start: 0, end: 1 } });
    const isAny = builder.node('Greater', [length, builder.int64s([0])]);
    const some = new BodyWriter(builder);
    const results = some.manyFrom(makeNode('Scan', inputs, scan));
    const none = new BodyWriter(builder);
    this.carriedTypes.forEach((type, i) => {
      some.output(results[i] ?? '', type);
      none.output(this.initials[i] ?? '', type);
    });
    builder.node('If', [isAny], {
      outputs: scan.outputs,
      attributes: {
        then_branch: { kind: 'graph', value: some.build('backward') },
        else_branch: { kind: 'graph', value: none.build('backward') },
      },
    });
  }

  private attributes(): Readonly<Record<string, AttributeInput>> {
    const order = (parts: readonly ScanPart[], prefix: string): Record<string, AttributeInput> =>
      parts.length === 0
        ? {}
        : {
            [`${prefix}_axes`]: parts.map(({ axis }) => axis),
            [`${prefix}_directions`]: parts.map(({ direction }) => direction),
          };
    return {
      body: { kind: 'graph', value: this.writer.build('backward') },
      num_scan_inputs: this.inputs.length,
      ...order(this.inputs, 'scan_input'),
      ...order(this.outputs, 'scan_output'),
    };
  }

  private startCotangent({ initial, final, cotangent, input }: CarriedValue): void {
    const seed = [...this.parts.seeds.carried].find(([value]) => value.input === input)?.[1];
    const like = final === '' ? initial : final;
    this.initials.push(cotangent ?? this.zerosOutside(like));
    this.writer.input(seed?.cotangent ?? '', this.context.typeOf(initial));
    const result = this.fresh(`ni/cotangent/${initial}`);
    this.finals.push(result);
    this.carriedTypes.push(this.context.typeOf(initial));
    if (this.context.wants(operandsOf(this.context.node).indexOf(initial))) this.note(initial, result);
  }

  private startSum(name: string): string {
    const sum = this.fresh(`ni/sum/${name}`);
    this.initials.push(this.zerosOutside(name));
    this.writer.input(sum, this.context.typeOf(name));
    const result = this.fresh(`ni/cotangent/${name}`);
    this.finals.push(result);
    this.carriedTypes.push(this.context.typeOf(name));
    this.note(name, result);
    return sum;
  }

  /** Elements of a stack that exists around the node are read from it; everything else is saved by the forward body. */
  private readSaved(saved: SavedValue): void {
    const { name, type, value } = saved;
    this.writer.input(name, type);
    const read = this.iteration.reads.find(({ input }) => input === value);
    if (read !== undefined) {
      this.inputs.push(reversed(read.source, read));
      return;
    }
    const stack = this.fresh(`ni/saved/${value}`);
    this.saved.push(saved);
    this.stacks.push(stack);
    this.inputs.push(reversed(stack, { axis: 0, direction: 0 }));
  }

  private readCotangent(stack: MadeStack, { cotangent }: Seed): void {
    this.writer.input(cotangent, stack.type);
    this.inputs.push(reversed(stack.cotangent ?? '', stack));
  }

  private readClock(): void {
    const { body, clock, inputTypes } = this.iteration;
    const type = inputTypes[body.inputs.findIndex((input) => input.name === clock)];
    const tensor =
      type?.kind === 'tensor' ? type : ({ kind: 'tensor', elementType: 'float32', shape: null } as const);
    this.readSaved({ value: clock, name: this.fresh(`ni/clock/${clock}`), type: tensor });
  }

  private passOn({ input, initial }: CarriedValue): void {
    const seed = [...this.parts.seeds.carried].find(([value]) => value.input === input)?.[1];
    const type = this.context.typeOf(initial);
    const gradient = this.parts.gradient.gradients.get(input);
    this.writer.output(gradient ?? this.writer.zerosLike(seed?.cotangent ?? '', elementTypeOf(type)), type);
  }

  private addUp(name: string, sum: string): void {
    const gradient = this.parts.gradient.gradients.get(name) ?? '';
    this.writer.output(this.writer.node('Add', [sum, gradient]), this.context.typeOf(name));
  }

  private handOut(stack: ReadStack): void {
    const gradient = this.parts.gradient.gradients.get(stack.input);
    if (gradient === undefined) return;
    this.writer.output(gradient, stack.type);
    const result = this.fresh(`ni/cotangent/${stack.source}`);
    this.outputs.push(reversed(result, stack));
    this.note(stack.source, result);
  }

  private savingBody(): Graph {
    return extendBody(this.context.builder, this.parts.gradient.forward, (writer) => {
      // A Scan must know the rank of what its body makes, a Loop takes it from there.
      const isScan = this.context.node.opType === 'Scan';
      for (const { value, type } of this.saved) {
        writer.output(value, isScan ? type : { ...type, shape: null });
      }
    });
  }

  private zerosOutside(name: string): string {
    const emit = new Emitter(this.context.builder, elementTypeOf(this.context.typeOf(name)));
    return emit.zeros(emit.shape(name));
  }

  private fresh(hint: string): string {
    return this.context.builder.freshName(hint);
  }

  private note(operand: string, cotangent: string): void {
    this.cotangents.set(operand, [...(this.cotangents.get(operand) ?? []), cotangent]);
  }

  /** A value may be an operand in several places. */
  private summed(): ReadonlyMap<string, string> {
    const { builder } = this.context;
    return new Map(
      [...this.cotangents].map(([name, parts]) => {
        return [name, parts.reduce((sum, part) => builder.node('Add', [sum, part]))] as const;
      }),
    );
  }
}

/** The last iteration comes first. */
function reversed(outside: string, { axis, direction }: StackOrder): ScanPart {
  return { outside, axis, direction: 1 - direction };
}
