import * as vscode from 'vscode';
import type { FollowUpTell } from '../../../protocol/views/reportMessages.js';
import type { App } from '../../app.js';
import { commandFor } from '../../run/commandFor.js';
import { askedAgain } from '../../run/askedRun.js';
import type { AskedRun } from '../../run/runner.js';
import { originKey } from './reportOrigin.js';
import type { ReportSubject } from './reportSubject.js';

/** Asks about a piece of a report: runs its analysis with the settings of the question, or copies the command. */
export async function askFollowUp(
  app: App,
  { state, origin }: ReportSubject,
  { settings, way, side }: FollowUpTell,
): Promise<void> {
  const result = side === undefined ? state.result : state.compared?.[side];
  if (result === undefined) return;
  const { limit, ...request } = result.request;
  // Where the question names its rows, it is about these and not about the first ones.
  const isOfRows = settings['rows'] !== undefined && settings['rows'] !== null;
  const all: AskedRun = { ...request, settings, ...(isOfRows || limit === undefined ? {} : { limit }) };
  // Reports of earlier versions ask with a baseline that their method never looked at.
  const { asked } = await askedAgain(all);
  if (way === 'copy') {
    await vscode.env.clipboard.writeText(await commandFor(asked));
    return;
  }
  await app.navigation.showFollowUp(await app.runner.start(asked), originKey(origin));
}
