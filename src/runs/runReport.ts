import type { Analysis } from '../analyses/analysis.js';
import { UserError } from '../base/errors.js';
import type { RunRequest } from '../protocol/engineMessages.js';
import type { Report } from '../protocol/report.js';
import { initialFacts, reportWithoutResult, withStatus } from './assembleReport.js';
import type { EngineClient, RequestOptions } from './engineClient.js';
import { findAnalysis } from './findAnalysis.js';
import { completeSettings } from '../protocol/readSettings.js';

/** A run as its host sees it. */
export type RunOutcome =
  /** Complete, partial or cancelled. */
  | {
      readonly report: Report;
      readonly runId?: number;
      /** Reports of their own that the report puts together. */
      readonly parts?: readonly Report[];
      readonly error?: undefined;
    }
  /** The environment or a bug stopped it: the report has status `failed`. */
  | { readonly report: Report; readonly runId?: undefined; readonly parts?: undefined; readonly error: Error }
  /** The input is wrong: there is nothing to report. */
  | {
      readonly report?: undefined;
      readonly runId?: undefined;
      readonly parts?: undefined;
      readonly error: UserError;
    };

/**
 * Runs an analysis in the engine and returns its report, whatever happens: a cancelled run keeps its last partial
 * report, a crashed one a report of status `failed` with what was known.
 */
export async function runReport(
  client: EngineClient,
  request: RunRequest,
  options: RequestOptions & { readonly analyses: readonly Analysis[] },
): Promise<RunOutcome> {
  const analysis = findAnalysis(options.analyses, request.analysis);
  const settings = completeSettings(analysis.settings, request.settings);
  const facts = initialFacts(analysis, { ...request, settings });
  const outcome = await client.request(request, options);
  const durationMs = Date.now() - facts.startedAt.getTime();
  switch (outcome.kind) {
    case 'done':
      return outcome.result;
    case 'cancelled': {
      const why = 'Cancelled before it was done.';
      const report = outcome.report ?? reportWithoutResult(facts, 'cancelled', why);
      return { report: withStatus({ ...report, durationMs }, 'cancelled', why) };
    }
    case 'failed': {
      const { error } = outcome;
      if (error instanceof UserError && error.kind === 'input') return { error };
      const report =
        outcome.report ?? reportWithoutResult(facts, 'failed', `The run failed: ${error.message}`);
      return { report: withStatus({ ...report, durationMs }, 'failed', error.message), error };
    }
  }
}
