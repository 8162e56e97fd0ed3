// What checks documents that people and other versions write. Imported with `await import`: the schemas and their library
// are nearly half of the extension's code, and activation must be quick (docs/decisions/0009-activation-loads-little.md).
export { parseInspectFile } from './inspectFile.js';
export { parseReport } from './report.js';
