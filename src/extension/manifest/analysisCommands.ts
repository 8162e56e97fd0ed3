import { analyses } from '../../analyses/registry.js';
import { analysisCommandId } from './analysisCommandId.js';
import type { CommandEntry } from './contribution.js';

/** One command for each analysis of the registry. */
export const analysisCommandEntries: readonly CommandEntry[] = analyses.map(({ id, title }) => ({
  id: analysisCommandId(id),
  title: `${title}…`,
  enablement: 'isWorkspaceTrusted',
}));
