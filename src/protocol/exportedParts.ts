import type { ReportNumber } from './blocks.js';
import type { FollowUp } from './parts.js';
import type { RunWords } from './runWords.js';
import type { SettingValues } from './settings.js';

/** What an element of an exported page says of its pieces, as JSON in `data-parts`. */
export interface ExportedParts {
  readonly noun: string;
  readonly followUps: readonly string[];
  /** Settings that choose what the element is of. */
  readonly item: SettingValues;
  /** Settings by row of a table whose rows say of which item they are (`data-item`). */
  readonly items?: readonly SettingValues[];
  readonly sizes: readonly number[];
  /** Places along each axis of what is drawn, and their values, row-major; empty where rows name themselves. */
  readonly counts: readonly number[];
  readonly values: readonly ReportNumber[];
  readonly caption: string;
}

/** What can be asked on an exported page, as JSON in its `#asks`. */
export interface ExportedAsks extends RunWords {
  readonly followUps: readonly FollowUp[];
}
