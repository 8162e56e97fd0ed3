import type { Analysis } from './analysis.js';

/** Every analysis there is, one line each, in the order they are listed. */
export const analyses: readonly Analysis[] = [];
