import { layersOf } from '../../../onnx/layers/layerTable.js';
import type { GraphNode, Model } from '../../../onnx/model.js';
import { toFloat64 } from '../../../onnx/tensorValue.js';
import type { AnalysisContext } from '../../analysis.js';
import { readValues } from '../attribution/readValues.js';
import type { Rows } from '../attribution/rows.js';

/** A self-mask c ⊙ relu(norm(c)): what it multiplies, and what it is. */
export interface SelfMask {
  /** The layer that normalises c. */
  readonly layer: string;
  /** The value of relu(norm(c)). */
  readonly value: string;
}

/** A self-mask with how much it lets through. */
export interface MeasuredMask extends SelfMask {
  readonly unitCount: number;
  /** Share of its elements that are zero over the rows. */
  readonly zeroShare: number;
  /** Units that are zero on every row. */
  readonly closedCount: number;
}

/** Returns the self-masks of the main graph: a product of a value with the rectified normalisation of that very value. */
export function findSelfMasks(model: Model): SelfMask[] {
  const { nodes } = model.graph;
  const readersOf = (value: string): GraphNode[] => nodes.filter((node) => node.inputs.includes(value));
  return layersOf(model).layers.flatMap((layer) => {
    if (layer.kind !== 'normalization' || layer.input === null || layer.isInBody) return [];
    const [rectifier] = readersOf(layer.output).filter(({ opType }) => opType === 'Relu');
    const value = rectifier?.outputs[0];
    if (value === undefined) return [];
    const input = layer.input;
    const isMask = readersOf(value).some(({ opType, inputs }) => opType === 'Mul' && inputs.includes(input));
    return isMask ? [{ layer: layer.name, value }] : [];
  });
}

/** Returns how much each self-mask lets through on the rows. */
export async function measureSelfMasks(context: AnalysisContext, rows: Rows): Promise<MeasuredMask[]> {
  const masks = findSelfMasks(context.model);
  if (masks.length === 0) return [];
  const values = await readValues(
    context,
    rows,
    masks.map(({ value }) => value),
  );
  return masks.map((mask) => {
    const value = values.get(mask.value);
    const unitCount = value?.dims.at(-1) ?? 0;
    const elements = value === undefined ? new Float64Array() : toFloat64(value);
    const isOpen = new Uint8Array(unitCount);
    let zeroCount = 0;
    for (const [i, element] of elements.entries()) {
      if (element === 0) zeroCount++;
      else isOpen[i % unitCount] = 1;
    }
    const closedCount = isOpen.filter((open) => open === 0).length;
    return { ...mask, unitCount, zeroShare: zeroCount / elements.length, closedCount };
  });
}
