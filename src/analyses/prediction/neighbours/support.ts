import { UserError } from '../../../base/errors.js';
import { readArrays } from '../../../data/readArrays.js';
import type { Feeds } from '../../../engine/runtime/session.js';
import { toFloat64 } from '../../../onnx/tensorValue.js';
import type { AnalysisContext } from '../../analysis.js';
import { readRows, type Rows } from '../attribution/rows.js';
import { concatRows, takeRows } from '../../shared/tensorRows.js';

/** Rows that are asked about and the labelled rows that vote, one after the other. */
export interface VotingRows {
  /** All of them: the queries first. */
  readonly rows: Rows;
  readonly labels: Int32Array;
  readonly queryCount: number;
  readonly supportCount: number;
  /** Where the support set comes from, in words. */
  readonly origin: string;
  /** Environment of every support row; undefined when none was named. */
  readonly environments: Float64Array | undefined;
}

/** Rows that are read from the data when no limit is given. */
export const votingRowCount = 400;

/** Share of the data that votes, where there is no support set of its own. */
const supportShare = 0.75;

/**
 * Reads the queries and the support set: a file of its own, or a seeded three quarters of the data.
 *
 * @throws UserError when labels, rows or environments are missing.
 */
export async function readVotingRows(
  context: AnalysisContext,
  { support, environments }: { readonly support: string | null; readonly environments: string | null },
): Promise<VotingRows> {
  const rows = await readRows(context, { defaultCount: votingRowCount });
  if (support !== null) {
    const data = await context.openData(support);
    const other = await readRows({ ...context, data, limit: undefined }, { defaultCount: votingRowCount });
    const joined = join(rows, other);
    return {
      ...joined,
      queryCount: rows.count,
      supportCount: other.count,
      origin: `the first ${other.count.toLocaleString('en-US')} rows of ${data.path}`,
      environments: await environmentsOf(environments, data.path, range(other.count)),
    };
  }
  if (rows.count < 2) throw tooFewRows();
  const order = [...context.random.permutation(rows.count)];
  const supportCount = Math.min(rows.count - 1, Math.max(1, Math.round(supportShare * rows.count)));
  const [queries, voters] = [order.slice(supportCount), order.slice(0, supportCount)].map((part) =>
    part.sort((a, b) => a - b),
  ) as [number[], number[]];
  const picked = pick(rows, [...queries, ...voters]);
  return {
    rows: picked,
    labels: labelsOf(picked),
    queryCount: queries.length,
    supportCount,
    origin: `a seeded ${supportCount.toLocaleString('en-US')} of ${rows.count.toLocaleString('en-US')} rows of the data`,
    environments: await environmentsOf(environments, context.data?.path ?? '', voters),
  };
}

function range(count: number): number[] {
  return Array.from({ length: count }, (_, i) => i);
}

function pick(rows: Rows, order: readonly number[]): Rows {
  const feeds: Feeds = Object.fromEntries(
    Object.entries(rows.feeds).map(([name, value]) => [name, takeRows(value, order)]),
  );
  return {
    ...rows,
    feeds,
    ids: order.map((row) => rows.ids[row] ?? String(row)),
    labels: Int32Array.from(order, (row) => rows.labels?.[row] ?? -1),
  };
}

function join(a: Rows, b: Rows): { readonly rows: Rows; readonly labels: Int32Array } {
  const feeds: Feeds = Object.fromEntries(
    Object.entries(a.feeds).map(([name, value]) => [name, concatRows([value, b.feeds[name]])]),
  );
  const labels = Int32Array.from([...labelsOf(a), ...labelsOf(b)]);
  const ids = [...a.ids, ...b.ids];
  return {
    rows: { ...a, count: ids.length, ids, feeds, labels, warnings: [...a.warnings, ...b.warnings] },
    labels,
  };
}

function labelsOf({ labels }: Rows): Int32Array {
  if (labels?.every((label) => label >= 0) === true) return labels;
  throw new UserError(
    'labels-missing',
    'Rows vote with their labels, and some have none. Add labels to the data and to the support set.',
  );
}

async function environmentsOf(
  name: string | null,
  path: string,
  voters: readonly number[],
): Promise<Float64Array | undefined> {
  if (name === null) return undefined;
  const form = {
    setting: 'environments',
    code: 'environments-unreadable',
    forms: 'an array of a support set that is an .npz',
  };
  const array = path.toLowerCase().endsWith('.npz') ? (await readArrays(path, form)).get(name) : undefined;
  const all = array === undefined ? undefined : toFloat64(array);
  if (all !== undefined && voters.every((row) => row < all.length)) {
    return Float64Array.from(voters, (row) => all[row] ?? NaN);
  }
  throw new UserError(
    'environments-missing',
    `environments=${name} is no array of ${path} with a number for each row. Keep the support set in an .npz, with such an array beside its inputs.`,
    { detail: { environments: name, path } },
  );
}

function tooFewRows(): UserError {
  return new UserError(
    'too-few-rows',
    'There is only one row, and nobody else to vote on it. Pass --data with more rows, or set support.',
  );
}
