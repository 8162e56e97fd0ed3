import { basename } from 'node:path';
import * as vscode from 'vscode';
import { Cancelled } from '../../base/abort.js';
import { messageOf } from '../../base/errors.js';
import type { Analysis } from '../../analyses/analysis.js';
import { approximateDuration } from '../../protocol/approximateDuration.js';
import type { App } from '../app.js';
import { localPath } from '../localPath.js';
import { askedRun, type RunOptions } from './askedRun.js';
import { type Choice, chooseItem } from './chooseItem.js';
import { chooseData } from './data/chooseData.js';
import { folderWords } from './data/dataWords.js';
import { estimateRun } from './estimateRun.js';
import { waitingFor } from './waitingFor.js';
import type { Answer } from './walkSteps.js';

/** A run that only waits for a yes. */
export interface ReadyRun {
  readonly title: string;
  readonly canGoBack: boolean;
  readonly model: vscode.Uri;
  readonly analysis: Analysis;
  /** null: without data. */
  readonly dataPath: string | null;
  readonly options: RunOptions;
}

/** How it goes on, on which data. */
export interface Way {
  readonly way: 'now' | 'form';
  readonly dataPath: string | null;
}

/** Offers to run at once, saying how long it will take, to change settings first, or to use other data. */
export async function chooseWay(app: App, run: ReadyRun): Promise<Answer<Way>> {
  let { dataPath } = run;
  for (;;) {
    const answer = await askOnce(app, { ...run, dataPath });
    if (answer.kind !== 'chosen') return answer;
    if (answer.value !== 'data') return { kind: 'chosen', value: { way: answer.value, dataPath } };
    const { title, model, analysis } = run;
    const isOptional = analysis.needs.data === 'optional';
    const data = await chooseData(app, model, { title, canGoBack: true, isOptional });
    if (data.kind === 'cancelled') return data;
    if (data.kind === 'chosen') dataPath = data.value;
  }
}

type WayChoice = 'now' | 'form' | 'data';

function askOnce(app: App, run: ReadyRun): Promise<Answer<WayChoice>> {
  return chooseItem<WayChoice>({
    title: run.title,
    placeholder: run.analysis.asks,
    canGoBack: run.canGoBack,
    items: itemsOf(app, run),
    fill: (list) => {
      const { model, analysis, dataPath, options } = run;
      const asked = askedRun(analysis, { modelPath: localPath(model), dataPath }, options);
      void estimateRun(app, asked, { analysis, signal: list.signal })
        .then(({ durationMs, how }) => {
          const time = { label: approximateDuration(durationMs), how };
          list.show(itemsOf(app, run, time), { isComplete: true });
        })
        .catch((error: unknown) => {
          if (error instanceof Cancelled) return;
          // The run will say the same when it is started; that it cannot be estimated must not be in the way.
          list.show(itemsOf(app, run, { label: '', how: messageOf(error) }), { isComplete: true });
        });
    },
  });
}

function itemsOf(
  app: App,
  { dataPath, options, analysis }: ReadyRun,
  time?: { readonly label: string; readonly how: string },
): Choice<WayChoice>[] {
  const changedCount = Object.keys(options.settings).length;
  const waiting = waitingFor(app.runner.active);
  const settings =
    changedCount === 0
      ? vscode.l10n.t('default settings')
      : vscode.l10n.t('{0} settings changed', changedCount);
  const now: Choice<WayChoice> = {
    label:
      time === undefined || time.label === ''
        ? vscode.l10n.t('Run now')
        : vscode.l10n.t('Run now ({0})', time.label),
    description: settings,
    detail: [
      ...(waiting === undefined ? [] : [waiting]),
      time?.how ?? vscode.l10n.t('Estimating the time…'),
    ].join(' · '),
    iconPath: new vscode.ThemeIcon('play'),
    value: 'now',
  };
  const form: Choice<WayChoice> = {
    label: vscode.l10n.t('Change settings…'),
    iconPath: new vscode.ThemeIcon('settings-gear'),
    value: 'form',
  };
  const data: Choice<WayChoice> = {
    label: vscode.l10n.t('Use other data…'),
    description:
      dataPath === null ? vscode.l10n.t('no data') : `${basename(dataPath)} · ${folderWords(dataPath)}`,
    iconPath: new vscode.ThemeIcon('database'),
    value: 'data',
  };
  return analysis.needs.data === 'none' ? [now, form] : [now, form, data];
}
