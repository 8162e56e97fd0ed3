import type { App } from '../app.js';
import { modelOf } from './modelOf.js';

/** Opens the page on which a person writes with a language model. */
export async function openPlayground(app: App, target?: unknown): Promise<void> {
  const model = await modelOf(app, target);
  if (model !== undefined) await app.navigation.openPlayground(model);
}
