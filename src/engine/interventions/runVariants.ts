import type { Model } from '../../onnx/model.js';
import type { TypeTable } from '../../onnx/shapes/typeTable.js';
import type { TensorValue } from '../../onnx/tensorValue.js';
import { intervene } from '../rewrites/intervene.js';
import type { Feeds, Runtime, Session } from '../runtime/session.js';
import type { Variant } from './variantReach.js';
import { type BatchedVariants, batchVariants, type VariedOutput } from './variants.js';

/** Variants of a model. */
export interface VariantRequest {
  readonly variants: readonly Variant[];
  /** Types of the model's values. */
  readonly types: TypeTable;
  /** Variants in one run at most, to bound memory; default all. */
  readonly variantsPerRun?: number;
}

/** How variants are run: `one-by-one` where the graph does not allow one batch, with the reason. */
export type VariantWay =
  { readonly kind: 'batched' } | { readonly kind: 'one-by-one'; readonly reason: string };

/** What variants gave. */
export interface VariantRuns {
  /** The model's outputs for each variant, in their order. */
  readonly outputs: readonly Feeds[];
  readonly how: VariantWay;
}

/** Variants that are open in the runtime, for any number of batches of data. */
export interface VariantRunner {
  readonly how: VariantWay;
  /** Returns the model's outputs for each variant, in their order. */
  run(feeds: Feeds): Promise<readonly Feeds[]>;
  close(): Promise<void>;
}

/** Runs every variant on the same feeds, once. */
export async function runVariants(
  runtime: Runtime,
  model: Model,
  request: VariantRequest & { readonly feeds: Feeds },
): Promise<VariantRuns> {
  const runner = await openVariants(runtime, model, request);
  try {
    return { outputs: await runner.run(request.feeds), how: runner.how };
  } finally {
    await runner.close();
  }
}

/**
 * Opens variants: in one batch where the graph allows it; else each is opened when its turn comes, and closed after it, in
 * every run.
 */
export async function openVariants(
  runtime: Runtime,
  model: Model,
  request: VariantRequest,
): Promise<VariantRunner> {
  const { variants, types, variantsPerRun = variants.length } = request;
  const parts: Part[] = [];
  for (let start = 0; start < variants.length; start += Math.max(1, variantsPerRun)) {
    const some = variants.slice(start, start + Math.max(1, variantsPerRun));
    const batched = batchVariants(model, some, types);
    if (batched.kind === 'impossible') return oneByOne(runtime, { model, variants, reason: batched.reason });
    parts.push({ batched, variantCount: some.length });
  }
  const open: OpenPart[] = [];
  for (const { batched, variantCount } of parts) {
    open.push({ session: await runtime.open(batched.model), outputs: batched.outputs, variantCount });
  }
  return {
    how: { kind: 'batched' },
    async run(feeds) {
      const results: Feeds[] = [];
      for (const part of open) results.push(...(await runPart(part, feeds)));
      return results;
    },
    async close() {
      for (const { session } of open) await session.close();
    },
  };
}

/** Variants that share a run. */
interface Part {
  readonly batched: Extract<BatchedVariants, { kind: 'batched' }>;
  readonly variantCount: number;
}

interface OpenPart {
  readonly session: Session;
  readonly outputs: ReadonlyMap<string, VariedOutput>;
  readonly variantCount: number;
}

async function runPart({ session, outputs, variantCount }: OpenPart, feeds: Feeds): Promise<Feeds[]> {
  const results = await session.run(feeds);
  return Array.from({ length: variantCount }, (_, variant) =>
    Object.fromEntries(
      [...outputs].flatMap(([name, output]) => {
        const value = results[output.name];
        if (value === undefined) return [];
        return [[name, output.isRepeated ? partOf(value, { variant, variantCount }) : value] as const];
      }),
    ),
  );
}

/** [V·N, …] → the [N, …] of one variant. */
function partOf(
  { dtype, dims: [rows = 0, ...rest], data }: TensorValue,
  { variant, variantCount }: { readonly variant: number; readonly variantCount: number },
): TensorValue {
  const size = data.length / variantCount;
  return {
    dtype,
    dims: [rows / variantCount, ...rest],
    data: data.slice(variant * size, (variant + 1) * size),
  };
}

function oneByOne(
  runtime: Runtime,
  { model, variants, reason }: { model: Model; variants: readonly Variant[]; reason: string },
): VariantRunner {
  return {
    how: { kind: 'one-by-one', reason },
    async run(feeds) {
      const outputs: Feeds[] = [];
      for (const variant of variants) {
        const session = await runtime.open(intervene(model, variant), { purpose: 'probe' });
        try {
          outputs.push(await session.run(feeds));
        } finally {
          await session.close();
        }
      }
      return outputs;
    },
    close: () => Promise.resolve(),
  };
}
