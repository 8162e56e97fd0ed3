import type { RecognisedBlock } from '../../../onnx/blocks/recognisedBlock.js';
import type { Layer, LayerTable } from '../../../onnx/layers/layer.js';

/** Channels of an IBN block that one kind of normalisation makes, and where they are measured. */
export interface NormPart {
  /** Name of the block. */
  readonly block: string;
  readonly variant: string;
  readonly norm: 'IN' | 'BN';
  /** The layer they are read at: the activation behind the normalisation where there is one. */
  readonly layer: string;
  /** Channels `from` … `to` − 1 of that layer. */
  readonly from: number;
  readonly to: number;
}

/**
 * Returns the instance- and the batch-normalised channels of the recognised IBN blocks; `unitCounts` holds those of the layers
 * that are measured.
 */
export function normParts(table: LayerTable, unitCounts: ReadonlyMap<string, number>): NormPart[] {
  const parts = table.blocks
    .filter(({ kind }) => kind === 'ibn')
    .flatMap((block) =>
      (block.variant === 'IBN-a' ? splitParts : residualParts)(block, { table, unitCounts }),
    );
  return parts.filter(({ from, to }) => to > from);
}

interface Facts {
  readonly table: LayerTable;
  readonly unitCounts: ReadonlyMap<string, number>;
}

/** The halves, in the order in which they are joined. */
function splitParts(block: RecognisedBlock, { table, unitCounts }: Facts): NormPart[] {
  const joined = block.nodes.find(({ outputs }) => outputs[0] === block.output)?.inputs ?? [];
  const norms = normsOf(block, table).sort((a, b) => joined.indexOf(a.output) - joined.indexOf(b.output));
  const activation = activationReading(block.output, table);
  let offset = 0;
  return norms.map((norm): NormPart => {
    const count = unitCounts.get(norm.name) ?? 0;
    const from = offset;
    offset += count;
    const common = { block: block.name, variant: block.variant, norm: kindOf(norm) };
    return activation !== undefined && unitCounts.has(activation.name)
      ? { ...common, layer: activation.name, from, to: from + count }
      : { ...common, layer: norm.name, from: 0, to: count };
  });
}

/** The sum that is instance-normalised, against the batch normalisations of the branch in front of it. */
function residualParts(block: RecognisedBlock, { table, unitCounts }: Facts): NormPart[] {
  return normsOf(block, table).map((norm): NormPart => {
    const activation = activationReading(norm.output, table);
    const leaving = table.layers.find(({ kind, output }) => kind === 'activation' && output === block.output);
    const behind = kindOf(norm) === 'IN' ? (leaving ?? activation) : activation;
    const layer = behind !== undefined && unitCounts.has(behind.name) ? behind : norm;
    return {
      ...{ block: block.name, variant: block.variant, norm: kindOf(norm), layer: layer.name },
      ...{ from: 0, to: unitCounts.get(layer.name) ?? 0 },
    };
  });
}

function normsOf(block: RecognisedBlock, table: LayerTable): Layer[] {
  return block.layers
    .flatMap((name) => table.byName.get(name) ?? [])
    .filter(({ operator }) => operator === 'InstanceNormalization' || operator === 'BatchNormalization');
}

function kindOf({ operator }: Layer): NormPart['norm'] {
  return operator === 'InstanceNormalization' ? 'IN' : 'BN';
}

function activationReading(value: string, { layers }: LayerTable): Layer | undefined {
  return layers.find(({ kind, input }) => kind === 'activation' && input === value);
}
