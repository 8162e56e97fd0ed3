import type * as latePart from './latePart.js';

/** Returns commands, pages and hovers; they are loaded when one is first used. */
export function loadLatePart(): Promise<typeof latePart> {
  return import('./latePart.js');
}
