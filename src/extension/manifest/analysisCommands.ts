import { analyses } from '../../analyses/registry.js';
import type { CommandEntry } from './contribution.js';

/** Returns the id of the command that asks an analysis' question, without the prefix. */
export function analysisCommandId(analysisId: string): string {
  return `run.${analysisId}`;
}

/** One command for each analysis of the registry. */
export const analysisCommandEntries: readonly CommandEntry[] = analyses.map(({ id, title }) => ({
  id: analysisCommandId(id),
  title: `${title}…`,
  enablement: 'isWorkspaceTrusted',
}));
