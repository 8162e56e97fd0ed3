import type { App } from '../app.js';
import { analysisCommandId } from '../manifest/analysisCommandId.js';
import {
  cancelRun,
  chooseProvider,
  copyDiagnostics,
  openSettings,
  openWalkthrough,
  restartEngine,
  showOutput,
} from './engineCommands.js';
import { compareWithOther, explainPrediction, explainWithModel } from './explainCommands.js';
import { muteFinding, showMutedFindings } from './findingCommands.js';
import { chooseHoverModel, manageTrust } from './hoverCommands.js';
import {
  addModel,
  copyAddress,
  inspectModel,
  openAddress,
  openNeuron,
  refreshModels,
  showLayer,
} from './modelCommands.js';
import { neuronBack, neuronForward } from './neuronCommands.js';
import { openPlayground } from './playgroundCommands.js';
import {
  chooseData,
  copyCliCommand,
  measureNow,
  rerunWithChanges,
  runAnalysis,
  runOneAnalysis,
  timelineOverCheckpoints,
  writeInspectFile,
} from './runCommands.js';
import { compareResults, exportResult } from './reportCommands.js';
import { deleteResult, openResult, rerunResult, showRun } from './resultCommands.js';
import { filterUnits, showMoreUnits, sortUnits } from './unitCommands.js';

/** What the editor passes to a command is whatever the caller of `executeCommand` gave: each function says what it takes. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any -- the editor erases the arguments' types
export type CommandFunction = (app: App, ...args: any[]) => void | Promise<void>;

/** Every command by its id without the prefix; titles and menus are in `manifest/commands.ts`. */
const commandTable: Readonly<Record<string, CommandFunction>> = {
  inspectModel,
  addModel,
  refreshModels,
  openNeuron,
  openPlayground,
  openAddress,
  copyAddress,
  showLayer,
  filterUnits,
  sortUnits,
  showMoreUnits,
  runAnalysis,
  timelineOverCheckpoints,
  explainPrediction,
  explainWithModel,
  compareWithOther,
  chooseData,
  writeInspectFile,
  measureNow,
  rerunWithChanges,
  copyCliCommand,
  openResult,
  rerunResult,
  deleteResult,
  compareResults,
  exportResult,
  muteFinding,
  showMutedFindings,
  neuronBack,
  neuronForward,
  cancelRun,
  showRun,
  restartEngine,
  chooseProvider,
  showOutput,
  copyDiagnostics,
  openWalkthrough,
  openSettings,
  chooseHoverModel,
  manageTrust,
};

/** Returns the function of a command by its id without the prefix: of the table, or one that runs an analysis. */
export function commandOf(id: string): CommandFunction {
  const known = commandTable[id];
  if (known !== undefined) return known;
  const prefix = analysisCommandId('');
  if (!id.startsWith(prefix)) throw new Error(`package.json lists the command ${id}, which the table lacks.`);
  return (app, target) => runOneAnalysis(app, id.slice(prefix.length), target);
}
