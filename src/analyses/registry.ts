import type { Analysis } from './analysis.js';
import { activationSparsity } from './health/activation-sparsity.js';
import { deadNeurons } from './health/dead-neurons.js';
import { attribution } from './prediction/attribution.js';

/** Every analysis there is, one line each, in the order they are listed. */
export const analyses: readonly Analysis[] = [deadNeurons, activationSparsity, attribution];
