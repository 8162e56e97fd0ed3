import { indexGraph } from '../../../onnx/graphIndex.js';
import type { Model } from '../../../onnx/model.js';
import { elementCountOf } from '../../../onnx/tensorValue.js';
import type { Feeds } from '../../../engine/runtime/session.js';

/** Operators that keep columns where they are, whatever they do to the numbers. */
const keepsColumns = new Set([
  ...['Identity', 'Cast', 'Reshape', 'Flatten', 'Squeeze', 'Unsqueeze'],
  ...['Scaler', 'Imputer', 'Add', 'Sub', 'Mul', 'Div'],
]);

/** What features may be called after. */
export interface NameSources {
  readonly model: Model;
  readonly feeds: Feeds;
  readonly columnNames: Readonly<Record<string, readonly string[]>>;
}

/** Returns the names of the features of a value: columns of the data where they lead there unmixed, else numbers. */
export function featureNamesOf(value: string, count: number, sources: NameSources): readonly string[] {
  const names = namesOf(value, sources);
  if (names?.length === count) return names;
  return Array.from({ length: count }, (_, index) => `feature ${String(index)}`);
}

function namesOf(value: string, sources: NameSources): readonly string[] | undefined {
  const index = indexGraph(sources.model.graph);
  const resolve = (name: string): readonly string[] | undefined => {
    const producer = index.producerOf(name);
    if (producer === undefined) return namesOfInput(name, sources);
    const [first = ''] = producer.inputs;
    if (keepsColumns.has(producer.opType)) return resolve(first);
    if (producer.opType !== 'Concat' && producer.opType !== 'FeatureVectorizer') return undefined;
    const parts = producer.inputs.map(resolve);
    return parts.every((part) => part !== undefined) ? parts.flat() : undefined;
  };
  return resolve(value);
}

function namesOfInput(name: string, { feeds, columnNames }: NameSources): readonly string[] | undefined {
  const feed = feeds[name];
  if (feed === undefined) return undefined;
  const count = elementCountOf(feed.dims.slice(1));
  const columns = columnNames[name];
  if (columns?.length === count) return columns;
  if (count === 1) return [name];
  return Array.from({ length: count }, (_, column) => `${name}[${String(column)}]`);
}
