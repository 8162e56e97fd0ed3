import { GraphBuilder } from '../../../engine/graph/graphBuilder.js';
import { prune } from '../../../engine/rewrites/prune.js';
import { inferTypes } from '../../../onnx/shapes/inferTypes.js';
import { type TensorValue, toFloat64 } from '../../../onnx/tensorValue.js';
import type { AnalysisContext } from '../../analysis.js';
import { namedAttentions, withPlainAttention } from '../../shared/attention/plainAttention.js';
import { fedBatches, pickFeeds } from '../../shared/sweep.js';
import type { MassiveFigures } from './measure.js';

/** How much attention goes to tokens with massive entries. */
export interface AttentionShare {
  readonly name: string;
  /** Weight on such tokens, the mean over queries, heads and samples, and what an even spread would give them. */
  readonly share: number;
  readonly even: number;
}

/** Measures the attention paid to tokens that have a massive entry in any hidden state; empty where nothing attends. */
export async function attentionToMassive(
  context: AnalysisContext,
  { states, sampleCount }: MassiveFigures,
): Promise<AttentionShare[]> {
  const tokens = massiveTokens(states);
  const plain = withPlainAttention(context.model);
  const sites = namedAttentions(context.model, plain, inferTypes(plain)).flatMap(({ name, probabilities }) =>
    probabilities === undefined ? [] : [{ name, probabilities }],
  );
  const { data } = context;
  if (tokens.size === 0 || sites.length === 0 || data === undefined) return [];
  const builder = new GraphBuilder(plain);
  builder.setOutputs([...new Set(sites.map(({ probabilities }) => probabilities))]);
  const tapped = prune(builder.build(), [...new Set(sites.map(({ probabilities }) => probabilities))]);
  const session = await context.runtime.open(tapped, { purpose: 'probe' });
  const sums = sites.map(() => ({ share: 0, even: 0, count: 0 }));
  try {
    for await (const { batch, feeds } of fedBatches({ ...context, data }, plain, sampleCount)) {
      const values = await session.run(pickFeeds(feeds, session));
      for (const [index, { probabilities }] of sites.entries()) {
        const [value, sum] = [values[probabilities], sums[index]];
        if (value === undefined || sum === undefined) continue;
        for (let row = 0; row < batch.sampleCount; row++) {
          const own = tokens.get(batch.firstIndex + row);
          if (own !== undefined) addRow(sum, value, { row, rowCount: batch.sampleCount, own });
        }
      }
    }
  } finally {
    await session.close();
  }
  return sites.flatMap(({ name }, index) => {
    const { share, even, count } = sums[index] ?? { share: 0, even: 0, count: 0 };
    return count === 0 ? [] : [{ name, share: share / count, even: even / count }];
  });
}

/** Tokens with a massive entry, by sample; only of states whose positions are tokens. */
function massiveTokens(states: MassiveFigures['states']): Map<number, Set<number>> {
  const tokens = new Map<number, Set<number>>();
  for (const { entries, state } of states) {
    if (state.sampleDims.length !== 2) continue;
    for (const { sample, position } of entries) {
      const own = tokens.get(sample) ?? new Set();
      tokens.set(sample, own.add(position[0] ?? 0));
    }
  }
  return tokens;
}

function addRow(
  sum: { share: number; even: number; count: number },
  value: TensorValue,
  {
    row,
    rowCount,
    own,
  }: { readonly row: number; readonly rowCount: number; readonly own: ReadonlySet<number> },
): void {
  const all = toFloat64(value);
  const keyCount = value.dims.at(-1) ?? 1;
  const lineCount = all.length / rowCount / keyCount;
  for (let line = row * lineCount; line < (row + 1) * lineCount; line++) {
    const weights = all.subarray(line * keyCount, (line + 1) * keyCount);
    const reached = weights.reduce((count, weight) => count + (weight > 0 ? 1 : 0), 0);
    for (const key of own) {
      sum.share += weights[key] ?? 0;
      if ((weights[key] ?? 0) > 0) sum.even += 1 / reached;
    }
    sum.count++;
  }
}
