import type { AnalysisContext } from '../../analysis.js';
import { type Field, openField } from './field.js';
import type { PlanRequest } from './fieldPlan.js';
import type { Problem } from './problem.js';
import type { Rows } from './rows.js';

/** Opens fields over one explained value, counts their points for the progress bar, and closes them all. */
export interface Fields extends Pick<Problem, 'open' | 'expect' | 'advance'> {
  close(): Promise<void>;
}

/** Returns the opener of fields for one explained value. */
export function fieldsOf(
  context: AnalysisContext,
  base: Pick<PlanRequest, 'model' | 'types' | 'selection'>,
  rows: Rows,
): Fields {
  const opened = new Map<string, Field>();
  let expectedCount = 0;
  let doneCount = 0;
  let fractionDone = 0;
  const onBatch = (pointCount: number): void => {
    doneCount += pointCount;
    // The total is only announced piece by piece; the bar never goes back.
    fractionDone = Math.max(fractionDone, Math.min(1, doneCount / Math.max(1, expectedCount)));
    context.progress({ fractionDone, message: `${String(doneCount)} of ${String(expectedCount)} points` });
  };
  return {
    open({ sites, ...rest }) {
      const siteValues = sites?.map(({ value }) => value);
      const key = JSON.stringify([
        rest.coordinates.map(({ value }) => value),
        siteValues,
        rest.gate,
        rest.backward?.id,
      ]);
      const known = opened.get(key);
      if (known !== undefined) return known;
      const field = openField(context, {
        ...base,
        ...rest,
        rows,
        onBatch,
        ...(siteValues === undefined ? {} : { sites: siteValues }),
      });
      opened.set(key, field);
      return field;
    },
    expect(pointCount) {
      expectedCount += pointCount;
    },
    advance: onBatch,
    async close() {
      for (const field of opened.values()) await field.close();
    },
  };
}
