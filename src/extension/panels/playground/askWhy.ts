import { createHash } from 'node:crypto';
import * as vscode from 'vscode';
import type { LanguageModelPlace } from '../../../protocol/generatedText.js';
import type { PlaygroundTell } from '../../../protocol/views/playgroundMessages.js';
import type { App } from '../../app.js';
import { engineConfiguration } from '../../configuration.js';
import type { LiveRun } from '../../run/liveRun.js';

/** Why a token stands behind others. */
export type WhyTell = Extract<PlaygroundTell, { readonly kind: 'why' }>;

/**
 * Starts the attribution of a token's score over the tokens before it, or over the neurons of a layer. The tokens are kept as
 * data in the extension's storage: the run can be repeated as long as its report is there.
 */
export async function askWhy(app: App, place: LanguageModelPlace, why: WhyTell): Promise<LiveRun> {
  const { modelPath } = place;
  const { before, token, layer } = why;
  const key = createHash('sha256')
    .update(JSON.stringify([place, before]))
    .digest('hex')
    .slice(0, 24);
  const folder = vscode.Uri.joinPath(app.storageUri, 'playground', key).fsPath;
  const { dataPath } = await app.engine.ask({ kind: 'write-tokens', ...place, ids: before, folder });
  return await app.runner.start({
    analysis: 'attribution',
    modelPath,
    dataPath,
    settings: {
      rows: '0',
      target: String(token),
      // Rows of models that insist on a length are filled up behind.
      position: String(before.length - 1),
      ...(layer === null ? {} : { layer }),
    },
    seed: 0,
    provider: engineConfiguration().provider,
  });
}
