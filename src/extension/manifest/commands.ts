import { dataFileExtensions } from '../../data/dataNames.js';
import type { CommandEntry } from './contribution.js';
import { panelTypes } from './panels.js';

const never = 'false';
const onModel = 'view == neuronInspector.models && viewItem =~ /^model/';
const onLanguageModel = 'view == neuronInspector.models && viewItem =~ /^model.*language/';
const onLayer = 'view == neuronInspector.models && viewItem =~ /^layer/';
const onUnit = 'view == neuronInspector.models && viewItem == unit';
const onResult = 'view == neuronInspector.results && viewItem =~ /^result/';
const onNeuron = `activeWebviewPanelId == ${panelTypes.neuron}`;
const mayRun = 'isWorkspaceTrusted';
const onSample = `resourceExtname =~ /^\\.(${dataFileExtensions.map((extension) => extension.slice(1)).join('|')})$/i`;
const onInspectFile = 'resourceFilename =~ /\\.inspect\\.json$/';
const onTable = 'resourceExtname =~ /^\\.[ct]sv$/i';

/** Every command that is not derived from an analysis, in the order of the palette. */
export const commandEntries: readonly CommandEntry[] = [
  {
    id: 'inspectModel',
    title: 'Inspect Model',
    icon: '$(search)',
    menus: [
      { menu: 'explorer/context', when: 'resourceExtname == .onnx', group: 'navigation@50' },
      { menu: 'editor/title/context', when: 'resourceExtname == .onnx', group: '2_files@50' },
      { menu: 'view/item/context', when: onModel, group: '1_open@1' },
    ],
  },
  {
    id: 'runAnalysis',
    title: 'Run Analysis…',
    icon: '$(play)',
    enablement: mayRun,
    menus: [
      { menu: 'explorer/context', when: 'resourceExtname == .onnx', group: 'navigation@51' },
      { menu: 'editor/title', when: 'activeCustomEditorId == neuronInspector.model', group: 'navigation@1' },
      { menu: 'view/item/context', when: onModel, group: 'inline@1' },
      { menu: 'view/item/context', when: onModel, group: '1_open@2' },
    ],
  },
  {
    id: 'timelineOverCheckpoints',
    title: 'Timeline over Checkpoints…',
    enablement: mayRun,
    menus: [
      {
        menu: 'explorer/context',
        when: 'explorerResourceIsFolder && neuronInspector.hasModel || resourceExtname == .onnx',
        group: 'navigation@52',
      },
    ],
  },
  {
    id: 'explainPrediction',
    title: 'Explain This Prediction',
    icon: '$(eye)',
    enablement: mayRun,
    menus: [
      { menu: 'explorer/context', when: `${onSample} || ${onInspectFile}`, group: 'navigation@52' },
      { menu: 'editor/context', when: onTable, group: 'navigation@52' },
      { menu: 'editor/title/context', when: `${onSample} || ${onInspectFile}`, group: '2_files@51' },
    ],
  },
  {
    id: 'explainWithModel',
    title: 'Explain with Another Model…',
    enablement: mayRun,
    menus: [{ menu: 'explorer/context', when: onSample, group: 'navigation@53' }],
  },
  {
    id: 'openNeuron',
    title: 'Open Neuron…',
    icon: '$(symbol-numeric)',
    menus: [{ menu: 'view/item/context', when: `${onModel} || ${onLayer} || ${onUnit}`, group: '1_open@3' }],
  },
  {
    id: 'openPlayground',
    title: 'Open Playground',
    icon: '$(comment-discussion)',
    enablement: mayRun,
    menus: [
      {
        menu: 'explorer/context',
        when: 'resourceExtname == .onnx && resourcePath in neuronInspector.languageModels',
        group: 'navigation@54',
      },
      { menu: 'view/item/context', when: onLanguageModel, group: '1_open@5' },
    ],
  },
  {
    id: 'addModel',
    title: 'Open Model…',
    icon: '$(add)',
    menus: [{ menu: 'view/title', when: 'view == neuronInspector.models', group: 'navigation@1' }],
  },
  {
    id: 'refreshModels',
    title: 'Refresh Models',
    icon: '$(refresh)',
    menus: [{ menu: 'view/title', when: 'view == neuronInspector.models', group: 'navigation@2' }],
  },
  {
    id: 'chooseData',
    title: 'Choose Data…',
    icon: '$(database)',
    menus: [{ menu: 'view/item/context', when: onModel, group: '2_data@1' }],
  },
  {
    id: 'writeInspectFile',
    title: 'Write Inspect File…',
    enablement: mayRun,
    menus: [{ menu: 'view/item/context', when: onModel, group: '2_data@2' }],
  },
  {
    id: 'copyAddress',
    title: 'Copy Address',
    palette: never,
    menus: [{ menu: 'view/item/context', when: `${onLayer} || ${onUnit}`, group: '5_copy@1' }],
  },
  {
    id: 'showLayer',
    title: 'Show Layer in Model',
    palette: never,
    menus: [{ menu: 'view/item/context', when: `${onLayer} || ${onUnit}`, group: '1_open@4' }],
  },
  {
    id: 'filterUnits',
    title: 'Filter Neurons…',
    icon: '$(filter)',
    palette: never,
    menus: [
      { menu: 'view/item/context', when: 'viewItem =~ /^layer.*units/', group: 'inline@1' },
      { menu: 'view/item/context', when: 'viewItem =~ /^layer.*units/', group: '3_list@1' },
    ],
  },
  {
    id: 'sortUnits',
    title: 'Sort Neurons…',
    icon: '$(sort-precedence)',
    palette: never,
    menus: [{ menu: 'view/item/context', when: 'viewItem =~ /^layer.*units/', group: '3_list@2' }],
  },
  { id: 'showMoreUnits', title: 'Show More Neurons', palette: never },
  { id: 'openAddress', title: 'Open Address', palette: never },
  { id: 'measureNow', title: 'Measure Now', palette: never, enablement: mayRun },
  {
    id: 'openResult',
    title: 'Open Result',
    palette: never,
    menus: [{ menu: 'view/item/context', when: onResult, group: '1_open@1' }],
  },
  {
    id: 'rerunResult',
    title: 'Run Again',
    icon: '$(debug-restart)',
    palette: never,
    enablement: mayRun,
    menus: [
      { menu: 'view/item/context', when: onResult, group: 'inline@1' },
      { menu: 'view/item/context', when: onResult, group: '2_run@1' },
    ],
  },
  {
    id: 'rerunWithChanges',
    title: 'Run Again with Changes…',
    palette: never,
    enablement: mayRun,
    menus: [{ menu: 'view/item/context', when: onResult, group: '2_run@2' }],
  },
  {
    id: 'compareResults',
    title: 'Compare Results…',
    menus: [{ menu: 'view/item/context', when: onResult, group: '3_compare@1' }],
  },
  {
    id: 'compareWithOther',
    title: 'Compare with Another Method or Model…',
    enablement: mayRun,
    palette: never,
    menus: [{ menu: 'view/item/context', when: 'viewItem =~ /^result.*attribution/', group: '3_compare@2' }],
  },
  {
    id: 'exportResult',
    title: 'Export Result…',
    menus: [{ menu: 'view/item/context', when: onResult, group: '4_export@1' }],
  },
  {
    id: 'copyCliCommand',
    title: 'Copy CLI Command',
    palette: never,
    menus: [{ menu: 'view/item/context', when: onResult, group: '4_export@2' }],
  },
  {
    id: 'deleteResult',
    title: 'Delete Result',
    icon: '$(trash)',
    palette: never,
    menus: [{ menu: 'view/item/context', when: onResult, group: '9_delete@1' }],
    keys: { key: 'delete', mac: 'cmd+backspace', when: 'focusedView == neuronInspector.results' },
  },
  { id: 'muteFinding', title: 'Mute Finding…', palette: never },
  { id: 'showMutedFindings', title: 'Show Muted Findings…' },
  {
    id: 'neuronBack',
    title: 'Go Back to the Previous Neuron',
    palette: onNeuron,
    keys: { key: 'alt+left', when: onNeuron },
  },
  {
    id: 'neuronForward',
    title: 'Go Forward to the Next Neuron',
    palette: onNeuron,
    keys: { key: 'alt+right', when: onNeuron },
  },
  { id: 'cancelRun', title: 'Cancel Run', icon: '$(stop-circle)', enablement: 'neuronInspector.isRunning' },
  { id: 'showRun', title: 'Show Running Analysis', enablement: 'neuronInspector.isRunning' },
  { id: 'restartEngine', title: 'Restart Engine' },
  { id: 'chooseProvider', title: 'Choose Provider…' },
  { id: 'showOutput', title: 'Show Output' },
  { id: 'copyDiagnostics', title: 'Copy Diagnostics' },
  { id: 'openWalkthrough', title: 'Get Started' },
  { id: 'openSettings', title: 'Open Settings' },
  { id: 'chooseHoverModel', title: 'Choose the Model of This File…', palette: 'editorIsOpen' },
  { id: 'manageTrust', title: 'Manage Trust', palette: never },
];
