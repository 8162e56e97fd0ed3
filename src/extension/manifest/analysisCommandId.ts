/** Returns the id of the command that asks an analysis' question, without the prefix. */
export function analysisCommandId(analysisId: string): string {
  return `run.${analysisId}`;
}
