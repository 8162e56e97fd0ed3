import { UserError } from '../../base/errors.js';
import type { DataType } from '../../onnx/dataTypes.js';
import {
  type Attribute,
  bodiesOf,
  type Dimension,
  type Graph,
  type GraphNode,
  intAttribute,
  intsAttribute,
  type ValueType,
} from '../../onnx/model.js';
import type { TypeTable } from '../../onnx/shapes/typeTable.js';
import { type BodyWriter, extendBody } from '../graph/bodyWriter.js';
import type { GraphBuilder } from '../graph/graphBuilder.js';

/** A value of a body as two values of the main graph. */
export interface LiftedValue {
  /** The value: [iterations, …] from a Loop or Scan; without elements where the branch of an If was not taken. */
  readonly value: string;
  /** How often it was computed in the run, int64. */
  readonly count: string;
}

/**
 * Makes a value inside bodies a value of the main graph: an output of every Loop, Scan and If around it.
 *
 * In an If inside a Loop or Scan, iterations that take the other branch hold zeros, and each of its sizes must be known or
 * be the size of a model input.
 *
 * @throws UserError `tap-in-body` when a value of an If has no known type, or in a loop no such sizes.
 */
export function liftValue(builder: GraphBuilder, value: string, types: TypeTable): LiftedValue | undefined {
  const holders = builder
    .nodesFrom(0)
    .filter((node) => bodiesOf(node).some(({ graph }) => holds(graph, value)));
  const [holder] = holders;
  if (holder === undefined) return undefined;
  if (holders.length > 1) throw notTapped(value, `it is defined inside ${String(holders.length)} nodes`);
  const type = types.get(value) ?? { kind: 'unknown' };
  const lift = new Lift(builder, { value, type, sources: sizeSources(builder) });
  const { node, outputs, isStack } = lift.through(holder, false);
  builder.replaceNode(holder, node);
  const count = isStack ? builder.reduce('ReduceSum', outputs.count, [0], false) : outputs.count;
  return { value: outputs.value, count };
}

/** Returns whether a graph, or a body in it, makes a value. */
export function holds(graph: Graph, value: string): boolean {
  return (
    defines(graph, value) ||
    graph.nodes.some((node) => bodiesOf(node).some((body) => holds(body.graph, value)))
  );
}

function defines(graph: Graph, value: string): boolean {
  return (
    graph.inputs.some((input) => input.name === value) ||
    graph.nodes.some((node) => node.outputs.includes(value))
  );
}

/** Why a value inside a body or function cannot be read. */
export function notTapped(value: string, reason: string): UserError {
  return new UserError(
    'tap-in-body',
    `The value "${value}" cannot be read: ${reason}. Choose one of the main graph, or give data, so that types can be measured.`,
    { detail: { value, reason } },
  );
}

interface LiftedNode {
  readonly node: GraphNode;
  readonly outputs: LiftedValue;
  /** Whether the outputs have an axis of iterations. */
  readonly isStack: boolean;
}

/** Where a named size can be read while running. */
interface SizeSource {
  readonly input: string;
  readonly axis: number;
}

/** Named sizes of the model's inputs. */
function sizeSources(builder: GraphBuilder): ReadonlyMap<string, SizeSource> {
  const sources = new Map<string, SizeSource>();
  for (const { name, type } of builder.build().graph.inputs) {
    if (type.kind !== 'tensor') continue;
    type.shape?.forEach((size, axis) => {
      if (typeof size === 'string' && !sources.has(size)) sources.set(size, { input: name, axis });
    });
  }
  return sources;
}

interface Lifted {
  readonly value: string;
  readonly type: ValueType;
  readonly sources: ReadonlyMap<string, SizeSource>;
}

class Lift {
  private readonly value: string;
  private readonly type: ValueType;
  private readonly sources: ReadonlyMap<string, SizeSource>;

  constructor(
    private readonly builder: GraphBuilder,
    { value, type, sources }: Lifted,
  ) {
    this.value = value;
    this.type = type;
    this.sources = sources;
  }

  /** Returns a node whose last outputs are the value and its count. */
  through(node: GraphNode, isInLoop: boolean): LiftedNode {
    return node.opType === 'If' ? this.conditional(node, isInLoop) : this.iterated(node);
  }

  private conditional(node: GraphNode, isInLoop: boolean): LiftedNode {
    const attributes = new Map(node.attributes);
    let own = 0;
    for (const { attribute, graph } of bodiesOf(node)) {
      own = graph.outputs.length;
      const body = holds(graph, this.value)
        ? this.exposing(graph, isInLoop)
        : extendBody(this.builder, graph, (writer) => {
            this.absent(writer, isInLoop);
          });
      attributes.set(attribute, { kind: 'graph', value: body });
    }
    return this.extended({ ...node, attributes }, { own, isStack: false });
  }

  private iterated(node: GraphNode): LiftedNode {
    const attributes = new Map(node.attributes);
    const [found] = bodiesOf(node);
    if (found === undefined) throw notTapped(this.value, 'its node has no body');
    attributes.set(found.attribute, { kind: 'graph', value: this.exposing(found.graph, true) });
    if (node.opType === 'Scan') stackFirst(node, attributes, found.graph);
    const own = found.graph.outputs.length - (node.opType === 'Loop' ? 1 : 0);
    return this.extended({ ...node, attributes }, { own, isStack: true });
  }

  private extended(
    node: GraphNode,
    { own, isStack }: { readonly own: number; readonly isStack: boolean },
  ): LiftedNode {
    const fresh = (hint: string): string => this.builder.freshName(hint);
    const before = Array.from(
      { length: own },
      (_, i) => (node.outputs[i] ?? '') || fresh(`ni/${node.opType}`),
    );
    const outputs = { value: fresh(`ni/lifted/${this.value}`), count: fresh(`ni/count/${this.value}`) };
    return { node: { ...node, outputs: [...before, outputs.value, outputs.count] }, outputs, isStack };
  }

  /** The body with the value and its count as further outputs. */
  private exposing(body: Graph, isInLoop: boolean): Graph {
    if (defines(body, this.value)) {
      return extendBody(this.builder, body, (writer) => {
        writer.output(this.value, this.type);
        writer.output(writer.int64(1), countType);
      });
    }
    const holder = body.nodes.find((node) => bodiesOf(node).some(({ graph }) => holds(graph, this.value)));
    if (holder === undefined) return body;
    const { node, outputs, isStack } = this.through(holder, isInLoop);
    const nodes = body.nodes.map((other) => (other === holder ? node : other));
    return extendBody(this.builder, { ...body, nodes }, (writer) => {
      writer.output(outputs.value, isStack ? stacked(this.type) : this.type);
      const total = isStack ? writer.node('ReduceSum', [outputs.count], { keepdims: 0 }) : outputs.count;
      writer.output(total, countType);
    });
  }

  /** What stands for the value in a branch that does not make it. */
  private absent(writer: BodyWriter, isInLoop: boolean): void {
    const { elementType, shape } = this.knownType();
    if (!isInLoop) writer.output(writer.nothing(shape?.length ?? 1, elementType), this.type);
    else if (hasSizes(shape)) writer.output(writer.zerosOf(shape, elementType), this.type);
    else writer.output(writer.zeros(this.runningShape(writer, shape), elementType), this.type);
    writer.output(writer.int64(0), countType);
  }

  /** The shape put together while running, from sizes that are known and those of the model's inputs. */
  private runningShape(writer: BodyWriter, shape: readonly Dimension[] | null): string {
    const sizes = shape?.map((size): string | undefined => {
      if (typeof size === 'number') return writer.int64s([size]);
      const source = size === null ? undefined : this.sources.get(size);
      if (source === undefined) return undefined;
      return writer.node('Shape', [source.input], { start: source.axis, end: source.axis + 1 });
    });
    const known = sizes?.flatMap((size) => (size === undefined ? [] : [size])) ?? [];
    if (sizes === undefined || known.length < sizes.length) {
      throw notTapped(this.value, 'it is in a branch inside a loop, and its sizes are not known');
    }
    return writer.node('Concat', known, { axis: 0 });
  }

  private knownType(): { readonly elementType: DataType; readonly shape: readonly Dimension[] | null } {
    if (this.type.kind === 'tensor' && this.type.elementType !== 'undefined') return this.type;
    throw notTapped(this.value, 'its type is not known');
  }
}

const countType: ValueType = { kind: 'tensor', elementType: 'int64', shape: [] };

function hasSizes(shape: readonly Dimension[] | null): shape is readonly number[] {
  return shape?.every((size) => typeof size === 'number') === true;
}

function stacked(type: ValueType): ValueType {
  return type.kind === 'tensor' && type.shape !== null ? { ...type, shape: [null, ...type.shape] } : type;
}

/** New outputs of a Scan have the iterations first, in their order. */
function stackFirst(node: GraphNode, attributes: Map<string, Attribute>, body: Graph): void {
  const states = node.inputs.length - intAttribute(node, 'num_scan_inputs', 1);
  for (const name of ['scan_output_axes', 'scan_output_directions']) {
    const given = intsAttribute(node, name);
    if (given === undefined) continue;
    const made = body.outputs.length - states;
    const value = [...Array.from({ length: made }, (_, i) => BigInt(given[i] ?? 0)), 0n, 0n];
    attributes.set(name, { kind: 'ints', value });
  }
}
