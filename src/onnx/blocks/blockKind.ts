import type { BlockId } from '../../protocol/blockWords.js';
import type { Paper } from '../../protocol/report.js';
import type { Candidate } from '../layers/candidates.js';
import type { GraphView } from '../layers/graphView.js';
import type { GraphNode } from '../model.js';
import type { TypeTable } from '../shapes/typeTable.js';

/** One graph of a model with its layers, as blocks are looked for in it. */
export interface BlockContext {
  readonly view: GraphView;
  /** The layers of this graph, in file order. */
  readonly candidates: readonly Candidate[];
  readonly types: TypeTable;
  /** The layer that a node is part of. */
  readonly layerOf: ReadonlyMap<GraphNode, Candidate>;
  /** Nodes that walks may still look at; what keeps the cost linear whatever the graph. */
  readonly budget: { left: number };
}

/** A sub-graph that was recognised. */
export interface FoundBlock {
  /** In any order; a node may be in several blocks. */
  readonly nodes: Iterable<GraphNode>;
  /** Value that leaves it. */
  readonly output: string;
  /** What kind of its kind it is: `EvoNorm-S0`, `cross`; empty where there is but one. */
  readonly variant: string;
}

/** What a paper behind a kind of block becomes. */
export interface BlockRow {
  /** The `line` of the paper. */
  readonly line: number;
  /** Which forms are recognised and which are not: a sentence or two. */
  readonly limits: string;
}

/**
 * A kind of recognised sub-graph: one file and one line in the table.
 *
 * Blocks are found by operators and how they are joined, never by names, so that every exporter's form of the same
 * computation is one. Each kind visits every node once and looks a bounded way around it; no weight is read.
 */
export interface BlockKind {
  /** As `inspect --json` writes it; never changes. */
  readonly id: BlockId;
  /** What is recognised, and what is not. */
  readonly limits: string;
  readonly papers: readonly Paper[];
  /** A row for each of `papers` that has a line. */
  readonly rows: readonly BlockRow[];
  /** Returns the blocks of this kind in a graph, in file order. */
  find(context: BlockContext): FoundBlock[];
}
