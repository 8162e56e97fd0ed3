import { throwIfAborted, yieldToEventLoop } from '../../../base/abort.js';
import { addInterventionalShares, type TreeGame } from '../../../engine/trees/interventionalShap.js';
import { addPathDependentShares } from '../../../engine/trees/pathDependentShap.js';
import { sumOfLeaves, type TreeEnsemble } from '../../../engine/trees/treeEnsemble.js';

/** Where features go that are absent. */
export type Absence = 'path-dependent' | 'interventional';

/** Rows whose outputs are shared out. */
export interface TreeRows {
  readonly count: number;
  readonly featureCount: number;
  /** What the trees read, row-major. */
  readonly features: Float64Array;
  /** What they gave in the runtime, transforms left out, `[rows, outputs]`. */
  readonly outputs: Float64Array;
}

/** What each feature adds to each output of each row. */
export interface Contributions {
  readonly absence: Absence;
  /** Rows that absent features come from; 0 for the path-dependent form. */
  readonly backgroundCount: number;
  /** `[rows, outputs, features]`. */
  readonly shares: Float64Array;
  /** Output without any feature, `[outputs]`, base values included. */
  readonly starts: Float64Array;
  /** |start + Σ shares − output|, the largest over the outputs of a row. */
  readonly errors: Float64Array;
}

/** How contributions are worked out. */
export interface ContributionRequest {
  readonly absence: Absence;
  /** Rows, of those given, that stand for what is absent. */
  readonly backgroundCount: number;
  readonly signal: AbortSignal;
  onRow(done: number): void;
}

/**
 * Returns exact Shapley values of every output of every row, worked out on the trees.
 *
 * The runtime's outputs enter only as what the sums are compared with, and through base values: what it adds to the leaves,
 * the mean over the rows.
 */
export async function contributionsOf(
  ensemble: TreeEnsemble,
  rows: TreeRows,
  request: ContributionRequest,
): Promise<Contributions> {
  const { targetCount } = ensemble;
  const shares = new Float64Array(rows.count * targetCount * rows.featureCount);
  const players = Int32Array.from({ length: rows.featureCount }, (_, feature) => feature);
  const backgroundCount = request.absence === 'interventional' ? request.backgroundCount : 0;
  const starts = new Float64Array(targetCount);
  for (let row = 0; row < rows.count; row++) {
    for (let target = 0; target < targetCount; target++) {
      throwIfAborted(request.signal);
      const from = (row * targetCount + target) * rows.featureCount;
      const own = shares.subarray(from, from + rows.featureCount);
      const game: TreeGame = { ensemble, target, players };
      if (request.absence === 'path-dependent') {
        starts[target] = addPathDependentShares(own, game, rowAt(rows, row));
      } else await addAgainstRows(own, game, { rows, row, request });
    }
    request.onRow(row + 1);
    await yieldToEventLoop();
  }
  for (let target = 0; target < targetCount; target++) {
    if (request.absence === 'interventional') {
      starts[target] = backgroundMean(ensemble, rows, { target, backgroundCount });
    }
    starts[target] = (starts[target] ?? 0) + baseOf(ensemble, rows, target);
  }
  return {
    absence: request.absence,
    backgroundCount,
    shares,
    starts,
    errors: errorsOf({ shares, starts, targetCount }, rows),
  };
}

async function addAgainstRows(
  shares: Float64Array,
  game: TreeGame,
  work: { readonly rows: TreeRows; readonly row: number; readonly request: ContributionRequest },
): Promise<void> {
  const { rows, row, request } = work;
  const weight = 1 / request.backgroundCount;
  for (let other = 0; other < request.backgroundCount; other++) {
    addInterventionalShares(shares, game, { row: rowAt(rows, row), background: rowAt(rows, other), weight });
    if (other % 16 === 15) {
      throwIfAborted(request.signal);
      await yieldToEventLoop();
    }
  }
}

function backgroundMean(
  ensemble: TreeEnsemble,
  rows: TreeRows,
  { target, backgroundCount }: { readonly target: number; readonly backgroundCount: number },
): number {
  let sum = 0;
  for (let row = 0; row < backgroundCount; row++) sum += sumOfLeaves(ensemble, rowAt(rows, row), target);
  return sum / backgroundCount;
}

/** What the runtime adds to the sum of leaves: base values, the same for all rows. */
function baseOf(ensemble: TreeEnsemble, rows: TreeRows, target: number): number {
  let sum = 0;
  for (let row = 0; row < rows.count; row++) {
    const output = rows.outputs[row * ensemble.targetCount + target] ?? NaN;
    sum += output - sumOfLeaves(ensemble, rowAt(rows, row), target);
  }
  return sum / rows.count;
}

function errorsOf(
  found: { readonly shares: Float64Array; readonly starts: Float64Array; readonly targetCount: number },
  rows: TreeRows,
): Float64Array {
  const { shares, starts, targetCount } = found;
  return Float64Array.from({ length: rows.count }, (_, row) => {
    let worst = 0;
    for (let target = 0; target < targetCount; target++) {
      const at = row * targetCount + target;
      const own = shares.subarray(at * rows.featureCount, (at + 1) * rows.featureCount);
      const sum = own.reduce((total, share) => total + share, starts[target] ?? NaN);
      const error = Math.abs(sum - (rows.outputs[at] ?? NaN));
      if (!(error <= worst)) worst = error;
    }
    return worst;
  });
}

/** Returns what the trees read of a row. */
export function rowAt({ features, featureCount }: TreeRows, row: number): Float64Array {
  return features.subarray(row * featureCount, (row + 1) * featureCount);
}
