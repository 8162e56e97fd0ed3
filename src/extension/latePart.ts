// What activation does not need: commands, pages, hovers and lenses, with all they import. A bundle of its own, loaded when one of them
// is first used (docs/decisions/0009-activation-loads-little.md).
export { commandOf } from './commands/commandTable.js';
export { createPlaces } from './createPlaces.js';
export { NeuronHovers } from './hovers/neuronHovers.js';
export { Grammars } from './hovers/code/grammars.js';
export { ParsedDocuments } from './hovers/code/parsedDocuments.js';
export { sampleLenses } from './lenses/sampleLenses.js';
export { layerLenses } from './lenses/layerLenses.js';
export { problemActions } from './problems/problemActions.js';
export { Problems } from './problems/problems.js';
export { ThresholdTests } from './tests/thresholdTests.js';
