import { UserError } from '../../../base/errors.js';
import type { Dataset } from '../../../data/dataset.js';
import { prune } from '../../../engine/rewrites/prune.js';
import { tap } from '../../../engine/rewrites/tap.js';
import type { Feeds } from '../../../engine/runtime/session.js';
import { type TensorValue, toFloat64 } from '../../../onnx/tensorValue.js';
import { inferTypes } from '../../../onnx/shapes/inferTypes.js';
import type { AnalysisContext } from '../../analysis.js';
import { fixedBatchSize } from '../../shared/fixedBatch.js';
import { fedBatches, pickFeeds } from '../../shared/sweep.js';
import { maskInputOf } from '../../shared/targetTap.js';
import { addHead, type AttentionMap, attentionMapsOf, emptyHead, type HeadFigures } from './headFold.js';
import type { AttentionSite, AttentionSites } from './sites.js';

/** Rows measured when no limit is given: maps are looked at row by row. */
export const defaultAttentionRows = 16;

/** What was seen of one site. */
export interface SiteFigures {
  readonly site: AttentionSite;
  /** One for each head. */
  readonly heads: HeadFigures[];
  /** Maps of the rows that are shown. */
  readonly maps: AttentionMap[];
  /** Keys of the last row; rows may differ. */
  keyCount: number;
  queryCount: number;
}

/** A row that is shown. */
export interface ShownRow {
  readonly id: string;
  /** Whole numbers per token, where an input holds them: `[T]`, by the input's name. */
  readonly ids: ReadonlyMap<string, readonly number[]>;
  /** What the tokens are in words, where the data have a tokenizer: `[T]`. */
  readonly texts: readonly string[] | undefined;
  /** Whether a token is padding; none is without a mask. */
  readonly isMasked: (token: number) => boolean;
}

/** What was measured over rows. */
export interface AttentionFigures {
  readonly sites: readonly SiteFigures[];
  readonly shown: readonly ShownRow[];
  readonly rowCount: number;
}

/**
 * Runs the rows and adds up what each head does; the first `shownCount` rows keep their maps.
 *
 * @throws UserError `no-rows` when the data are empty.
 */
export async function measureAttention(
  context: AnalysisContext,
  { model, sites }: AttentionSites,
  shownCount: number,
): Promise<AttentionFigures> {
  const { data, signal, runtime, limit = defaultAttentionRows } = context;
  if (data === undefined) throw noRows('No data was given');
  const values = sites.map(({ value }) => value);
  const tapped = tap(model, values, inferTypes(model));
  const outputs = values.map((value) => tapped.outputs.get(value) ?? value);
  const session = await runtime.open(prune(tapped.model, outputs));
  const figures = sites.map((site): SiteFigures => ({
    site,
    heads: [],
    maps: [],
    keyCount: 0,
    queryCount: 0,
  }));
  const shown: ShownRow[] = [];
  let rowCount = 0;
  const total = Math.min(limit, data.sampleCount);
  // Maps grow with the square of the tokens: rows are run one by one, unless the model wants several.
  const request = { data, signal, batchSize: fixedBatchSize(model) === undefined ? 1 : context.batchSize };
  try {
    for await (const { batch, feeds, rowCount: fedCount } of fedBatches(request, model, limit)) {
      const results = await session.run(pickFeeds(feeds, session), outputs);
      const rows = batch.ids.map((id, row) => rowOf(feeds, { id, row, data }));
      for (const [index, site] of figures.entries()) {
        const result = results[outputs[index] ?? ''];
        if (result !== undefined) addRows(site, { result, fedCount, rows, keptCount: shownCount - rowCount });
      }
      shown.push(...rows.slice(0, Math.max(0, shownCount - rowCount)));
      rowCount += batch.sampleCount;
      context.progress({ fractionDone: rowCount / total, message: `Row ${rowCount} of ${total}` });
    }
  } finally {
    await session.close();
  }
  if (rowCount === 0) throw noRows(`${data.path} has no rows`);
  return { sites: figures, shown, rowCount };
}

function rowOf(
  feeds: Feeds,
  { id, row, data }: { readonly id: string; readonly row: number; readonly data: Dataset },
): ShownRow {
  const maskName = maskInputOf(data);
  const ids = new Map<string, readonly number[]>();
  let flags: readonly number[] | undefined;
  for (const [name, tensor] of Object.entries(feeds)) {
    const { dims, dtype } = tensor;
    if (dims.length !== 2 || !/^u?int|^bool/.test(dtype)) continue;
    const width = dims[1] ?? 0;
    const own = Array.from(toFloat64(tensor).subarray(row * width, (row + 1) * width));
    if (name === maskName) flags = own;
    else ids.set(name, own);
  }
  const named = data.tokens;
  const texts =
    named === undefined ? undefined : ids.get(named.input)?.map((token) => named.tokenizer.textOf(token));
  return { id, ids, texts, isMasked: (token) => flags?.[token] === 0 };
}

interface RowsOfRun {
  readonly result: TensorValue;
  readonly fedCount: number;
  readonly rows: readonly ShownRow[];
  /** Rows whose maps are kept. */
  readonly keptCount: number;
}

function addRows(figures: SiteFigures, { result, fedCount, rows, keptCount }: RowsOfRun): void {
  const { site, heads, maps } = figures;
  const found = attentionMapsOf(result, fedCount, site.kind === 'local-activation');
  for (const [row, { isMasked }] of rows.entries()) {
    const map = found[row];
    if (map === undefined) continue;
    figures.keyCount = map.keyCount;
    figures.queryCount = map.queryCount;
    for (let index = 0; index < map.headCount; index++) {
      const head = (heads[index] ??= emptyHead());
      // Only a sequence that attends to itself has a mask for its queries.
      addHead(head, map, { index, isMasked: (query) => site.relation === 'self' && isMasked(query) });
    }
    if (row < keptCount) maps.push(map);
  }
}

function noRows(what: string): UserError {
  return new UserError(
    'no-rows',
    `${what}, so there is nothing to attend to. Give at least one row with --data.`,
  );
}
