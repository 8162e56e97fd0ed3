import type { InspectedLayer, InspectedValue, Inspection } from '../protocol/inspection.js';
import { inspectionWarnings } from './inspectionWarnings.js';
import type { Layer, LayerTable } from './layers/layer.js';
import { layersOf } from './layers/layerTable.js';
import {
  bodiesOf,
  type Dimension,
  type GraphNode,
  type Model,
  qualifiedOperator,
  type ValueType,
} from './model.js';
import { inferTypes } from './shapes/inferTypes.js';
import type { TypeTable } from './shapes/typeTable.js';
import { typeName } from './typeWords.js';

/**
 * Returns a model's structure, with shapes from `types` (measured, say) or else inferred; no weight is read.
 *
 * `table` is the layers that go with the types, for those who have them already.
 */
export function inspectModel(
  model: Model,
  types: TypeTable = inferTypes(model),
  table: LayerTable = layersOf(model, types),
): Inspection {
  const { graph, functions } = model;
  const bodies = bodyNodes(graph.nodes);
  const ofFunctions = functions.flatMap(({ nodes }) => [...nodes, ...bodyNodes(nodes)]);
  return {
    schemaVersion: 1,
    model: model.file.path,
    sizeBytes: model.file.sizeBytes,
    irVersion: model.irVersion,
    opsets: Object.fromEntries(
      [...model.opsets].map(([domain, version]) => [domain === '' ? 'ai.onnx' : domain, version]),
    ),
    producer: `${model.producerName} ${model.producerVersion}`.trim(),
    // Old files list initializers among the inputs.
    inputs: graph.inputs
      .filter(({ name }) => !graph.initializers.has(name))
      .map(({ name, type }) => inspectedValue(name, type)),
    outputs: graph.outputs.map(({ name, type }) => inspectedValue(name, type, types.get(name))),
    ...table.counts,
    nodeCount: graph.nodes.length,
    subgraphNodeCount: bodies.length,
    functionNodeCount: ofFunctions.length,
    operators: countOperators([...graph.nodes, ...bodies, ...ofFunctions]),
    layers: table.layers.map(inspectedLayer),
    blocks: table.blocks.map(({ name, kind, variant, layers, index, output }) => {
      return { name, kind, variant, layers: [...layers], index, output };
    }),
    warnings: inspectionWarnings(model, types),
  };
}

function inspectedLayer(layer: Layer): InspectedLayer {
  const { name, path, parent, index, kind, operator, unitCount, parameterCount, output } = layer;
  const shape = layer.shape === null ? null : [...layer.shape];
  return {
    ...{ name, path, parent, index, kind, operator, unitCount, parameterCount, output, shape },
    blocks: [...layer.blocks],
  };
}

/** Returns the nodes of all bodies inside, nested ones too. */
function bodyNodes(nodes: readonly GraphNode[]): GraphNode[] {
  return nodes.flatMap((node) =>
    bodiesOf(node).flatMap(({ graph }) => [...graph.nodes, ...bodyNodes(graph.nodes)]),
  );
}

function countOperators(nodes: readonly GraphNode[]): Record<string, number> {
  const counts = new Map<string, number>();
  for (const node of nodes) {
    const operator = qualifiedOperator(node);
    counts.set(operator, (counts.get(operator) ?? 0) + 1);
  }
  return Object.fromEntries([...counts].sort(([a], [b]) => (a < b ? -1 : 1)));
}

function inspectedValue(name: string, declared: ValueType, known?: ValueType): InspectedValue {
  const type = declared.kind === 'unknown' && known !== undefined ? known : declared;
  return { name, type: typeName(type), shape: shapeOf(type, known) };
}

/** Declared sizes, those that are left open filled from what is known. */
function shapeOf(declared: ValueType, known: ValueType | undefined): Dimension[] | null {
  if (declared.kind !== 'tensor') return null;
  const other = known?.kind === 'tensor' ? known.shape : null;
  if (declared.shape === null) return other === null ? null : [...other];
  return declared.shape.map((size, axis) => size ?? other?.[axis] ?? null);
}
