import type { Feeds, Session } from '../../../engine/runtime/session.js';
import type { TensorValue } from '../../../onnx/tensorValue.js';
import { type Rows } from './rows.js';
import { takeRows } from '../../shared/tensorRows.js';
import { type Selection, selectionFeeds } from './selection.js';

/** A run of points: the session, and the row that each point is of. */
export interface PointRun {
  readonly session: Session;
  readonly rowOfPoint: readonly number[];
}

/** Returns what a run of points is fed: the given tensors, and for every point the other inputs of its row. */
export function withRowFeeds(own: Feeds, rows: Rows, { session, rowOfPoint }: PointRun): Feeds {
  // Pruning may have dropped inputs that f does not read; the runtime refuses feeds for them.
  const isRead = ([name]: readonly [string, unknown]): boolean => session.inputNames.includes(name);
  const others: Record<string, TensorValue> = {};
  for (const [name, tensor] of Object.entries(rows.feeds).filter(isRead)) {
    if (!Object.hasOwn(own, name)) others[name] = takeRows(tensor, rowOfPoint);
  }
  return Object.fromEntries(Object.entries({ ...own, ...others }).filter(isRead));
}

/** Returns what a run of points is fed, as `withRowFeeds`, and for every point the explained index of its row. */
export function withHeldFeeds(
  own: Feeds,
  held: { readonly rows: Rows; readonly selection: Selection },
  run: PointRun,
): Feeds {
  return withRowFeeds({ ...own, ...selectionFeeds(held.selection, run.rowOfPoint) }, held.rows, run);
}
