import type { App } from '../app.js';
import {
  cancelRun,
  chooseProvider,
  copyDiagnostics,
  openSettings,
  openWalkthrough,
  restartEngine,
  showOutput,
} from './engineCommands.js';
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
import {
  chooseData,
  copyCliCommand,
  measureNow,
  rerunWithChanges,
  runAnalysis,
  writeInspectFile,
} from './runCommands.js';
import { compareResults, exportResult } from './reportCommands.js';
import { deleteResult, openResult, rerunResult, showRun } from './resultCommands.js';
import { filterUnits, showMoreUnits, sortUnits } from './unitCommands.js';

/** What the editor passes to a command is whatever the caller of `executeCommand` gave: each function says what it takes. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any -- the editor erases the arguments' types
export type CommandFunction = (app: App, ...args: any[]) => void | Promise<void>;

/** Every command by its id without the prefix; titles and menus are in `manifest/commands.ts`. */
export const commandTable: Readonly<Record<string, CommandFunction>> = {
  inspectModel,
  addModel,
  refreshModels,
  openNeuron,
  openAddress,
  copyAddress,
  showLayer,
  filterUnits,
  sortUnits,
  showMoreUnits,
  runAnalysis,
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
