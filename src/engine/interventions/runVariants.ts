import type { Model } from '../../onnx/model.js';
import type { TypeTable } from '../../onnx/shapes/typeTable.js';
import type { TensorValue } from '../../onnx/tensorValue.js';
import { intervene } from '../rewrites/intervene.js';
import type { Feeds, Runtime } from '../runtime/session.js';
import type { Variant } from './variantReach.js';
import { type BatchedVariants, batchVariants } from './variants.js';

/** What variants gave. */
export interface VariantRuns {
  /** The model's outputs for each variant, in their order. */
  readonly outputs: readonly Feeds[];
  /** `one-by-one` where the graph does not allow one batch, with the reason. */
  readonly how: { readonly kind: 'batched' } | { readonly kind: 'one-by-one'; readonly reason: string };
}

/** Variants of a model and what they are run on. */
export interface VariantRequest {
  readonly variants: readonly Variant[];
  /** Types of the model's values. */
  readonly types: TypeTable;
  readonly feeds: Feeds;
  /** Variants in one run at most, to bound memory; default all. */
  readonly variantsPerRun?: number;
}

/** Runs every variant on the same feeds: in one batch where the graph allows it, else one after another. */
export async function runVariants(
  runtime: Runtime,
  model: Model,
  request: VariantRequest,
): Promise<VariantRuns> {
  const { variants, types, variantsPerRun = variants.length } = request;
  const outputs: Feeds[] = [];
  for (let start = 0; start < variants.length; start += variantsPerRun) {
    const some = variants.slice(start, start + variantsPerRun);
    const batched = batchVariants(model, some, types);
    if (batched.kind === 'impossible') {
      return {
        outputs: await runOneByOne(runtime, model, request),
        how: { kind: 'one-by-one', reason: batched.reason },
      };
    }
    outputs.push(...(await runBatched(runtime, batched, { feeds: request.feeds, count: some.length })));
  }
  return { outputs, how: { kind: 'batched' } };
}

async function runOneByOne(runtime: Runtime, model: Model, request: VariantRequest): Promise<Feeds[]> {
  const outputs: Feeds[] = [];
  for (const variant of request.variants) {
    const session = await runtime.open(intervene(model, variant), { purpose: 'probe' });
    try {
      outputs.push(await session.run(request.feeds));
    } finally {
      await session.close();
    }
  }
  return outputs;
}

async function runBatched(
  runtime: Runtime,
  { model, outputs }: Extract<BatchedVariants, { kind: 'batched' }>,
  { feeds, count }: { readonly feeds: Feeds; readonly count: number },
): Promise<Feeds[]> {
  const session = await runtime.open(model);
  try {
    const results = await session.run(feeds);
    return Array.from({ length: count }, (_, variant) =>
      Object.fromEntries(
        [...outputs].flatMap(([name, output]) => {
          const value = results[output.name];
          if (value === undefined) return [];
          return [[name, output.isRepeated ? partOf(value, { variant, count }) : value] as const];
        }),
      ),
    );
  } finally {
    await session.close();
  }
}

/** [V·N, …] → the [N, …] of one variant. */
function partOf(
  { dtype, dims: [rows = 0, ...rest], data }: TensorValue,
  { variant, count }: { readonly variant: number; readonly count: number },
): TensorValue {
  const size = data.length / count;
  return { dtype, dims: [rows / count, ...rest], data: data.slice(variant * size, (variant + 1) * size) };
}
