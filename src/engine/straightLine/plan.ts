import type { GraphNode, Tensor } from '../../onnx/model.js';

// A model taken apart where it branches or loops: pieces without control flow, and what a host does between them.

/** What the host does for one graph: its steps in order, then the values that it hands back. */
export interface Plan {
  readonly steps: readonly PlanStep[];
  readonly results: readonly string[];
}

/** A step of the host. */
export type PlanStep = PieceStep | BranchStep | LoopStep | ScanStep;

/** Runs a piece of the model. */
export interface PieceStep {
  readonly kind: 'piece';
  readonly piece: Piece;
}

/** Nodes without control flow that become a model of their own. */
export interface Piece {
  /** Counts over the whole model, in the order they are met. */
  readonly id: number;
  readonly nodes: readonly GraphNode[];
  /** Constants that they read, of their own graph and those around it. */
  readonly initializers: ReadonlyMap<string, Tensor>;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
}

/** Chooses one of two plans, as an If does. */
export interface BranchStep {
  readonly kind: 'branch';
  readonly point: BranchPoint;
  readonly condition: string;
  readonly whenTrue: Plan;
  readonly whenFalse: Plan;
  readonly outputs: readonly string[];
}

/** Where a model chooses. */
export interface BranchPoint {
  readonly id: number;
  /** Name of the node, with those of the nodes around it: `decoder/loop/choice`. */
  readonly name: string;
}

/** Repeats a plan, as a Loop does: its inputs are the number of the iteration, the condition, and what is carried on. */
export interface LoopStep {
  readonly kind: 'loop';
  /** Values; empty where the node has none. */
  readonly tripCount: string;
  readonly condition: string;
  readonly initial: readonly string[];
  readonly bodyInputs: readonly string[];
  readonly body: Plan;
  /** What is carried, then what is collected. */
  readonly outputs: readonly string[];
}

/** Repeats a plan over the rows of its inputs, as a Scan along first axes does. */
export interface ScanStep {
  readonly kind: 'scan';
  readonly initial: readonly string[];
  readonly rows: readonly string[];
  readonly bodyInputs: readonly string[];
  readonly body: Plan;
  readonly outputs: readonly string[];
}
