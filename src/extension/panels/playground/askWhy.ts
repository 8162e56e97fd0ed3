import { createHash } from 'node:crypto';
import { join } from 'node:path';
import * as vscode from 'vscode';
import { messageOf } from '../../../base/errors.js';
import type { LanguageModelPlace } from '../../../protocol/generatedText.js';
import type { PlaygroundTell } from '../../../protocol/views/playgroundMessages.js';
import type { App } from '../../app.js';
import { engineConfiguration } from '../../configuration.js';
import type { LiveRun } from '../../run/liveRun.js';
import { pruneTokens } from './pruneTokens.js';

/** Why a token stands behind others. */
export type WhyTell = Extract<PlaygroundTell, { readonly kind: 'why' }>;

/**
 * Starts the attribution of a token's score over the tokens before it, or over the neurons of a layer. The tokens are kept as
 * data in the extension's storage as long as a result rests on them: that can be run again.
 */
export async function askWhy(app: App, place: LanguageModelPlace, why: WhyTell): Promise<LiveRun> {
  const { modelPath } = place;
  const { before, token, layer } = why;
  const key = createHash('sha256')
    .update(JSON.stringify([place, before]))
    .digest('hex')
    .slice(0, 24);
  const dir = vscode.Uri.joinPath(app.storageUri, 'playground').fsPath;
  const folder = join(dir, key);
  const { dataPath } = await app.engine.ask({ kind: 'write-tokens', ...place, ids: before, folder });
  const run = await app.runner.start({
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
  pruneOld(app, dir).catch((error: unknown) => {
    app.log.debug(`Old tokens of the playground were left: ${messageOf(error)}`);
  });
  return run;
}

async function pruneOld({ results, runner }: App, dir: string): Promise<void> {
  // Another window on this folder may have added some.
  await results.refresh();
  const named = new Set([...results.results, ...runner.active].map(({ request }) => request.dataPath));
  await pruneTokens(dir, { isNamed: (dataPath) => named.has(dataPath), now: new Date() });
}
