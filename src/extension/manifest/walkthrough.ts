import { idPrefix } from './contribution.js';

/** One step of the walkthrough. What stands beside it is `media/walkthrough/<id>.md`. */
export interface WalkthroughStep {
  readonly id: string;
  readonly title: string;
  /** The editor's small Markdown: a link alone on its line is a button. */
  readonly description: string;
  /** Commands, without the prefix, one of which ticks the step off. */
  readonly doneBy: readonly string[];
}

/** The way from a model file to a neuron in the code. */
export const walkthrough = {
  id: 'start',
  title: 'Get started with Neuron Inspector',
  description: 'From a model file to the neurons that never fire, and to the line of code they come from.',
  /** The editor offers the walkthrough in workspaces that hold such a file. */
  featuredFor: ['**/*.onnx'],
} as const;

const link = (title: string, command: string): string => `[${title}](command:${idPrefix}${command})`;

/** The steps, in order: five, because more is not read. */
export const walkthroughSteps: readonly WalkthroughStep[] = [
  {
    id: 'openModel',
    title: 'Open a model',
    description: `Right-click an .onnx file in the Explorer and choose **Inspect Model**, or pick one in the Models view of the activity bar. Its layers, graph and weights appear; nothing is run.\n${link('Open Model…', 'addModel')}`,
    doneBy: ['inspectModel', 'addModel'],
  },
  {
    id: 'findDeadNeurons',
    title: 'Find its dead neurons',
    description: `Ask one question of it. Data is proposed from what lies beside the model; without any, made-up inputs give a first idea and the report says so.\n${link('Run Dead Neurons…', 'run.dead-neurons')}`,
    doneBy: ['run.dead-neurons', 'runAnalysis'],
  },
  {
    id: 'readReport',
    title: 'Read the answer',
    description: `The first line says it in one sentence, and every number says how it came about. Further down: each neuron, what to try, and how it was computed. Reports stay under Results.\n${link('Show Results', 'results.focus')}`,
    doneBy: ['results.focus', 'openResult'],
  },
  {
    id: 'openNeuron',
    title: 'Look at one neuron',
    description: `Click a neuron in a report or under a layer in the Models view: when it is active, on which examples most, and which weights lead into it. **j** and **k** go to the next and the previous one.\n${link('Open Neuron…', 'openNeuron')}`,
    doneBy: ['openNeuron', 'openAddress'],
  },
  {
    id: 'hoverCode',
    title: 'Meet it in your code',
    description:
      'Hover over a neuron where you write about it, `fc1[3]` or `acts["fc1"][:, 3]`, or over the line that makes its layer, `self.fc1 = nn.Linear(…)`: in Python, TypeScript, JavaScript, JSON and Markdown. The links in the hover lead to its page.',
    doneBy: ['openAddress', 'measureNow'],
  },
];
