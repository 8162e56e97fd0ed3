import type { AddressedLayer, AddressTable } from '../../protocol/structure.js';
import type { RecognisedBlock } from '../blocks/recognisedBlock.js';
import type { GraphNode } from '../model.js';
import type { ActivationFamily } from './activationFamilies.js';
import type { GraphView } from './graphView.js';

/** A layer: an operator with weights, an activation, a normalisation, a recognised block, or a scope that holds one. */
export interface Layer extends AddressedLayer {
  /** Position of its first node in file order, bodies right after the node that holds them. */
  readonly index: number;
  /** Elements of its weight, bias and scale; a tied constant counts in each layer that uses it. */
  readonly parameterCount: number;
  /** Kinds of recognised blocks that it holds or is a part of: `mlp`, `attention`, `residual`. */
  readonly blocks: readonly string[];
  /** Its nodes, in file order; for a scope all nodes inside. */
  readonly nodes: readonly GraphNode[];
  /** Value that enters it: the data operand; null for scopes. */
  readonly input: string | null;
  /** How units of an activation are judged; null for anything that is no activation (gates have none). */
  readonly family: ActivationFamily | null;
}

/** Every layer of a model, in file order, scopes before what they hold. */
export interface LayerTable extends AddressTable {
  readonly layers: readonly Layer[];
  readonly byName: ReadonlyMap<string, Layer>;
  /** Recognised sub-graphs, in file order. */
  readonly blocks: readonly RecognisedBlock[];
  readonly counts: ConstantCounts;
  /** The graphs that the layers were found in; their nodes are those of the layers. */
  readonly views: readonly GraphView[];
}

/** Elements of the model's constants by what they are for; a tied constant counts once. */
export interface ConstantCounts {
  readonly parameterCount: number;
  readonly bufferCount: number;
  readonly constantCount: number;
}
