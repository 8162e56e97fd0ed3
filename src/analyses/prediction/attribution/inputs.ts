import { UserError } from '../../../base/errors.js';
import { type DataType, dataTypeFacts } from '../../../onnx/dataTypes.js';
import type { GraphNode, Model } from '../../../onnx/model.js';

/** A model input and the first floating-point value made of it. */
export interface ExplainableInput {
  readonly name: string;
  readonly value: string;
  readonly origin: 'input' | 'embedding' | 'cast';
}

/** Element types of what is fed, by input. */
type InputTypes = Readonly<Record<string, { readonly dtype: DataType }>>;

/**
 * Returns what a prediction can be shared out over, per model input.
 *
 * Floats stand for themselves; integers for their embedding (a Gather of rows of a constant table) or, like bytes of an
 * image, for the Cast that turns them into floats when there is nothing else. Other inputs (masks, lengths) are held at the row's values.
 *
 * @throws UserError `nothing-to-explain` when no input leads to floats.
 */
export function explainableInputs(model: Model, feeds: InputTypes): ExplainableInput[] {
  const found = explainable(model, feeds);
  // A mask is cast to floats too: casts count only where the model reads nothing else.
  const main = found.filter(({ origin }) => origin !== 'cast');
  if (found.length > 0) return main.length > 0 ? main : found;
  throw new UserError(
    'nothing-to-explain',
    `No input of this model is floating-point or read by an embedding, so its predictions cannot be shared out over them (inputs: ${Object.keys(feeds).join(', ')}).`,
  );
}

function explainable(model: Model, feeds: InputTypes): ExplainableInput[] {
  const found: ExplainableInput[] = [];
  for (const { name } of model.graph.inputs) {
    const feed = feeds[name];
    if (feed === undefined || model.graph.initializers.has(name)) continue;
    if (isExplainableFloat(feed.dtype)) found.push({ name, value: name, origin: 'input' });
    else {
      const inner = firstFloatOf(model, name);
      if (inner !== undefined) found.push({ name, ...inner });
    }
  }
  return found;
}

function isExplainableFloat(type: DataType): boolean {
  return dataTypeFacts(type).isFloat;
}

/** Operators that pass token ids on. */
const passesIds = new Set(['Cast', 'Identity', 'Squeeze', 'Unsqueeze', 'Reshape', 'Expand', 'Clip']);

function firstFloatOf(model: Model, name: string): Pick<ExplainableInput, 'value' | 'origin'> | undefined {
  const pending = [{ value: name, isOneHot: false }];
  const seen = new Set([name]);
  for (let current = pending.shift(); current !== undefined; current = pending.shift()) {
    const { value, isOneHot } = current;
    for (const node of model.graph.nodes) {
      if (!node.inputs.includes(value)) continue;
      const [output] = node.outputs;
      if (output === undefined || seen.has(output)) continue;
      if (isEmbedding(model, node, value)) return { value: output, origin: 'embedding' };
      if (node.opType === 'Cast' && castsToFloat(node)) {
        return { value: output, origin: isOneHot ? 'embedding' : 'cast' };
      }
      const comparesWithAll = isOneHotTest(model, node, value);
      if (comparesWithAll || (passesIds.has(node.opType) && node.inputs[0] === value)) {
        seen.add(output);
        pending.push({ value: output, isOneHot: isOneHot || comparesWithAll });
      }
    }
  }
  return undefined;
}

/** `ids == [0, 1, 2, …]` before a Cast is how some exporters write one-hot vectors. */
function isOneHotTest(model: Model, node: GraphNode, ids: string): boolean {
  if (node.opType !== 'Equal') return false;
  const other = node.inputs.find((input) => input !== ids);
  const range = other === undefined ? undefined : model.graph.initializers.get(other);
  return range !== undefined && range.dims.length > 0 && Math.max(...range.dims) > 1;
}

function isEmbedding(model: Model, node: GraphNode, ids: string): boolean {
  const [table, indices] = node.inputs;
  // One-hot vectors times a weight are an embedding written out.
  if (node.opType === 'OneHot') return table === ids;
  if (node.opType !== 'Gather' || indices !== ids || table === undefined) return false;
  const weights = model.graph.initializers.get(table);
  return weights !== undefined && dataTypeFacts(weights.elementType).isFloat && weights.dims.length === 2;
}

const floatCodes = new Set([1n, 10n, 11n, 16n]);

function castsToFloat(node: GraphNode): boolean {
  const to = node.attributes.get('to');
  return to?.kind === 'int' && floatCodes.has(to.value);
}
