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
 * In an If inside a Loop or Scan, iterations that take the other branch hold zeros, and its sizes must be known.
 *
 * @throws UserError `tap-in-body` when a value of an If has no known type, or in a loop no known sizes.
 */
export function liftValue(builder: GraphBuilder, value: string, types: TypeTable): LiftedValue | undefined {
  const holders = builder
    .nodesFrom(0)
    .filter((node) => bodiesOf(node).some(({ graph }) => holds(graph, value)));
  const [holder] = holders;
  if (holder === undefined) return undefined;
  if (holders.length > 1) throw notTapped(value, `it is defined inside ${String(holders.length)} nodes`);
  const lift = new Lift(builder, value, types.get(value) ?? { kind: 'unknown' });
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

class Lift {
  constructor(
    private readonly builder: GraphBuilder,
    private readonly value: string,
    private readonly type: ValueType,
  ) {}

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
    else throw notTapped(this.value, 'it is in a branch inside a loop, and its sizes are not known');
    writer.output(writer.int64(0), countType);
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
