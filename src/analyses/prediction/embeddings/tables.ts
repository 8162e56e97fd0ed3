import { UserError } from '../../../base/errors.js';
import { forEachElement } from '../../../engine/weights/operandElements.js';
import { storedOperand } from '../../../engine/weights/storedOperand.js';
import { behindShape } from '../../../onnx/blocks/walks.js';
import type { GraphView } from '../../../onnx/layers/graphView.js';
import { layersOf } from '../../../onnx/layers/layerTable.js';
import type { GraphNode, Model } from '../../../onnx/model.js';

/** Tables larger than this do not fit in memory beside the model: 2 GB of float64. */
const maxElementCount = 2 ** 28;

/** An embedding table with its elements. */
export interface EmbeddingTable {
  /** The layer that reads it first. */
  readonly name: string;
  readonly rowCount: number;
  readonly width: number;
  /** Row-major. */
  readonly elements: Float64Array;
  /** Inputs of the model whose numbers are rows of it. */
  readonly inputs: readonly string[];
}

/**
 * Returns the embedding tables of a model, tied ones once, read from the file, also through DequantizeLinear.
 *
 * @throws UserError `no-embeddings` when there is none that can be read.
 */
export async function embeddingTables(model: Model): Promise<EmbeddingTable[]> {
  const { layers, views } = layersOf(model);
  const found = new Map<string, { name: string; view: GraphView; operand: string; inputs: Set<string> }>();
  for (const { kind, name, nodes } of layers) {
    const gather = kind === 'embedding' ? nodes.find(({ opType }) => opType === 'Gather') : undefined;
    const view =
      gather === undefined
        ? undefined
        : views.find(({ positions, graph }) => positions.has(gather) && graph.nodes.includes(gather));
    if (gather === undefined || view === undefined) continue;
    const [operand = ''] = gather.inputs;
    const identity = view.constants.get(operand)?.identity ?? operand;
    const known = found.get(identity) ?? { name, view, operand, inputs: new Set<string>() };
    for (const input of indexInputs(view, gather)) known.inputs.add(input);
    found.set(identity, known);
  }
  const tables: EmbeddingTable[] = [];
  for (const { name, view, operand, inputs } of found.values()) {
    const stored = await storedOperand(view, operand);
    const [rowCount = 0, width = 0] = stored?.dims ?? [];
    if (stored?.dims.length !== 2 || rowCount * width > maxElementCount) continue;
    const elements = new Float64Array(rowCount * width);
    await forEachElement(stored, (value, flat) => {
      elements[flat] = value;
    });
    tables.push({ name, rowCount, width, elements, inputs: [...inputs] });
  }
  if (tables.length === 0) throw noEmbeddings();
  return tables;
}

/** The inputs of the graph that say which rows are read, as they are. */
function indexInputs(view: GraphView, gather: GraphNode): string[] {
  const index = behindShape(view, gather.inputs[1] ?? '');
  return view.graph.inputs.some(({ name }) => name === index) ? [index] : [];
}

function noEmbeddings(): UserError {
  return new UserError(
    'no-embeddings',
    'This model has no embedding table that can be read: no Gather of rows of a constant [rows, width]. Run inspect to see its layers.',
  );
}
