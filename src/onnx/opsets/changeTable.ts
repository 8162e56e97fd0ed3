import type { VersionChange } from './converter.js';
import { attributesToInputs } from './converters/attributesToInputs.js';
import { broadcasting } from './converters/broadcasting.js';
import { normalisation } from './converters/normalisation.js';
import { remaining } from './converters/remaining.js';
import { resampling } from './converters/resampling.js';

const changes: readonly VersionChange[] = [
  ...attributesToInputs,
  ...broadcasting,
  ...normalisation,
  ...remaining,
  ...resampling,
];

/**
 * Version changes of ai.onnx from opset 7 to 17 that change what a node says, by operator, oldest first.
 *
 * Changes that only add element types, optional inputs or attributes whose default is the old behaviour need no entry.
 */
export const versionChanges: ReadonlyMap<string, readonly VersionChange[]> = byOperator();

function byOperator(): Map<string, VersionChange[]> {
  const table = new Map<string, VersionChange[]>();
  for (const change of changes) {
    for (const operator of change.operators.split(' ')) {
      table.set(
        operator,
        [...(table.get(operator) ?? []), change].sort((a, b) => a.version - b.version),
      );
    }
  }
  return table;
}
