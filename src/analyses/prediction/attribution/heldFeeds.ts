import type { Feeds, Session } from '../../../engine/runtime/session.js';
import type { TensorValue } from '../../../onnx/tensorValue.js';
import { type Rows, takeRows } from './rows.js';
import { type Selection, selectionFeeds } from './selection.js';

/**
 * Returns what a run of points is fed: the given tensors, and for every point the other inputs and the explained index of
 * its row.
 */
export function withHeldFeeds(
  own: Feeds,
  held: { readonly rows: Rows; readonly selection: Selection },
  run: { readonly session: Session; readonly rowOfPoint: readonly number[] },
): Feeds {
  const { session, rowOfPoint } = run;
  // Pruning may have dropped inputs that f does not read; the runtime refuses feeds for them.
  const isRead = ([name]: readonly [string, unknown]): boolean => session.inputNames.includes(name);
  const others: Record<string, TensorValue> = {};
  for (const [name, tensor] of Object.entries(held.rows.feeds).filter(isRead)) {
    if (!Object.hasOwn(own, name)) others[name] = takeRows(tensor, rowOfPoint);
  }
  const all = { ...own, ...others, ...selectionFeeds(held.selection, rowOfPoint) };
  return Object.fromEntries(Object.entries(all).filter(isRead));
}
