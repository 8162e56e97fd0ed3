import { formatNumber } from '../../../protocol/formatReport.js';
import type { AnalysisContext } from '../../analysis.js';
import { type FieldRequest, openField } from './field.js';
import type { PlanRequest } from './fieldPlan.js';
import { openPaths } from './paths.js';
import type { FieldChoice, Problem } from './problem.js';
import type { Rows } from './rows.js';

/** Opens fields over one explained value, counts their points for the progress bar, and closes them all. */
export interface Fields extends Pick<Problem, 'open' | 'openPaths' | 'expect' | 'advance'> {
  close(): Promise<void>;
}

/** Returns the opener of fields for one explained value. */
export function fieldsOf(
  context: AnalysisContext,
  base: Pick<PlanRequest, 'model' | 'types' | 'selection'>,
  rows: Rows,
): Fields {
  const progress = pointCounter(context);
  const requestOf = (choice: Omit<FieldChoice, 'sites'>): Omit<FieldRequest, 'sites'> => ({
    ...base,
    ...choice,
    rows,
    onBatch: (pointCount) => {
      progress.done(pointCount);
    },
  });
  const fields = openedOnce(({ sites, ...choice }) => {
    const siteValues = sites?.map(({ value }) => value);
    const request = requestOf(choice);
    return openField(context, siteValues === undefined ? request : { ...request, sites: siteValues });
  });
  const pathFields = openedOnce(({ sites, ...choice }) => {
    const isAtCoordinates = sites === undefined || sites === choice.coordinates;
    const request = requestOf(choice);
    return openPaths(context, isAtCoordinates ? request : { ...request, sites });
  });
  return {
    open: (choice) => fields.open(choice),
    openPaths: (choice) => pathFields.open(choice),
    expect: (pointCount) => {
      progress.expect(pointCount);
    },
    advance: (pointCount) => {
      progress.done(pointCount);
    },
    async close() {
      for (const field of [...fields.all(), ...pathFields.all()]) await field.close();
    },
  };
}

function pointCounter(context: AnalysisContext): {
  expect(pointCount: number): void;
  done(pointCount: number): void;
} {
  let expectedCount = 0;
  let doneCount = 0;
  let fractionDone = 0;
  return {
    expect(pointCount) {
      expectedCount += pointCount;
    },
    done(pointCount) {
      doneCount += pointCount;
      // The total is only announced piece by piece; the bar never goes back.
      fractionDone = Math.max(fractionDone, Math.min(1, doneCount / Math.max(1, expectedCount)));
      context.progress({
        fractionDone,
        message: `${formatNumber(doneCount, 'count')} of ${formatNumber(expectedCount, 'count')} points`,
      });
    },
  };
}

/** Opens one field for each choice, however often it is asked for. */
function openedOnce<F>(open: (choice: FieldChoice) => F): {
  open(choice: FieldChoice): F;
  all(): readonly F[];
} {
  const opened = new Map<string, F>();
  return {
    open(choice) {
      const { coordinates, sites, gate, backward } = choice;
      const names = (tensors: FieldChoice['sites']): readonly string[] | undefined =>
        tensors?.map(({ value }) => value);
      const key = JSON.stringify([names(coordinates), names(sites), gate, backward?.id]);
      const field = opened.get(key) ?? open(choice);
      opened.set(key, field);
      return field;
    },
    all: () => [...opened.values()],
  };
}
