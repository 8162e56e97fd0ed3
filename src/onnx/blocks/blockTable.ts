import type { Paper } from '../../protocol/report.js';
import type { BlockKind, BlockRow } from './blockKind.js';
import { attention } from './kinds/attention.js';
import { crossLayer } from './kinds/crossLayer.js';
import { dice } from './kinds/dice.js';
import { evoNorm } from './kinds/evoNorm.js';
import { ibn } from './kinds/ibn.js';
import { localActivationUnit } from './kinds/localActivationUnit.js';
import { mixtureOfExperts } from './kinds/mixtureOfExperts.js';
import { mlpconv } from './kinds/mlpconv.js';
import { normActivation } from './kinds/normActivation.js';
import { residual } from './kinds/residual.js';
import { squeezeExcitation } from './kinds/squeezeExcitation.js';

/** Every kind of block that is recognised, one line each; small ones first, as they are listed of a layer. */
export const blockKinds: readonly BlockKind[] = [
  normActivation,
  evoNorm,
  ibn,
  dice,
  localActivationUnit,
  attention,
  squeezeExcitation,
  mlpconv,
  crossLayer,
  mixtureOfExperts,
  residual,
];

/** The papers behind the kinds of blocks, each once, with a row for each that has a line: what docs/papers.md reads. */
export const blockPapers: { readonly papers: readonly Paper[]; readonly rows: readonly BlockRow[] } = {
  papers: [
    ...new Map(
      blockKinds.flatMap(({ papers }) => papers.map((paper) => [paper.id, paper] as const)),
    ).values(),
  ],
  rows: blockKinds.flatMap(({ rows }) => rows),
};
