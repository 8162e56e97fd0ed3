import type { InspectFile } from '../../protocol/inspectFile.js';
import type { SettingValues } from '../../protocol/settings.js';

/** A threshold of an inspect file, and where it is written. */
export interface WrittenThreshold {
  readonly analysis: string;
  readonly settings: SettingValues;
  /** `deadShare>0.05`. */
  readonly text: string;
  /** Offsets of the text in the file, quotes included; undefined where it is written with escapes. */
  readonly span?: { readonly start: number; readonly end: number };
}

/** Returns the thresholds of an inspect file in the order they are written. */
export function thresholdsInText(text: string, { thresholds = [] }: InspectFile): WrittenThreshold[] {
  let from = Math.max(0, text.indexOf('"thresholds"'));
  return thresholds.flatMap(({ analysis, settings = {}, failOn }) =>
    [failOn].flat().map((limit): WrittenThreshold => {
      const literal = JSON.stringify(limit);
      const start = text.indexOf(literal, from);
      // The engine checks the settings against what the analysis declares.
      const written = { analysis, settings: settings as SettingValues, text: limit };
      if (start < 0) return written;
      from = start + literal.length;
      return { ...written, span: { start, end: from } };
    }),
  );
}
