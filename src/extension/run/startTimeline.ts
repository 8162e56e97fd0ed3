import { basename } from 'node:path';
import * as vscode from 'vscode';
import type { Analysis } from '../../analyses/analysis.js';
import { UserError } from '../../base/errors.js';
import { metricsOf } from '../../runs/declaredMetrics.js';
import { findModelFiles } from '../../runs/findModelFiles.js';
import type { App } from '../app.js';
import { localPath } from '../localPath.js';
import { chooseAnalysis } from './chooseAnalysis.js';
import { type Choice, chooseItem } from './chooseItem.js';
import { startAnalysis } from './startAnalysis.js';
import type { Answer } from './walkSteps.js';

const timelineId = 'timeline';

/** Leads from folders or models, the checkpoints of a training, to a metric of any analysis over them. */
export async function startTimeline(app: App, checkpoints: readonly vscode.Uri[]): Promise<void> {
  const text = checkpoints.map(localPath).join(';');
  const { paths } = await findModelFiles(text);
  const title = vscode.l10n.t('Timeline over {0} checkpoints', paths.length.toLocaleString());
  for (;;) {
    const answer = await chooseAnalysis({
      title,
      canGoBack: false,
      isLeftOut: ({ id }) => id === timelineId,
    });
    if (answer.kind !== 'chosen') return;
    const metric = await chooseMetric(answer.value, title);
    if (metric.kind === 'cancelled') return;
    if (metric.kind === 'back') continue;
    await startAnalysis(app, {
      model: await lastSound(app, paths),
      analysisId: timelineId,
      settings: { analysis: answer.value.id, checkpoints: text, metrics: metric.value },
    });
    return;
  }
}

/** Asks for one metric, or all that are measured; more than one can be named in the settings. */
async function chooseMetric(analysis: Analysis, title: string): Promise<Answer<string | null>> {
  const all: Choice<{ readonly metric: string | null }> = {
    label: vscode.l10n.t('All that it measures'),
    iconPath: new vscode.ThemeIcon('list-unordered'),
    value: { metric: null },
  };
  const answer = await chooseItem({
    title: `${title} — ${analysis.title}`,
    placeholder: vscode.l10n.t('Which number?'),
    canGoBack: true,
    items: [
      all,
      ...Object.entries(metricsOf(analysis)).map(([metric, declared]) => ({
        ...{ label: declared.title, description: metric, detail: declared.description, value: { metric } },
      })),
    ],
  });
  return answer.kind === 'chosen' ? { kind: 'chosen', value: answer.value.metric } : answer;
}

/** The checkpoint that the others are compared with: the last that can be read. */
async function lastSound(app: App, paths: readonly string[]): Promise<vscode.Uri> {
  let last: UserError | undefined;
  for (const path of [...paths].reverse()) {
    const uri = vscode.Uri.file(path);
    try {
      await app.models.structureOf(uri);
      return uri;
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      last ??= error;
    }
  }
  throw last ?? new Error(`None of ${paths.map((path) => basename(path)).join(', ')} was read.`);
}
