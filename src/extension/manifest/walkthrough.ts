import { idPrefix } from './contribution.js';

/** One step of the walkthrough. Beside it stands a picture in each theme kind, made by `npm run pictures`. */
export interface WalkthroughStep {
  readonly id: string;
  readonly title: string;
  /** What the picture shows, for those who hear it. */
  readonly picture: string;
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
    picture: 'The page of a model: its layers with kind, units, parameters and shape.',
    description: `Right-click an .onnx file in the Explorer and choose **Inspect Model**, or pick one in the Models view of the activity bar. Its layers, graph and weights appear; nothing is run.\n${link('Open Model…', 'addModel')}`,
    doneBy: ['inspectModel', 'addModel'],
  },
  {
    id: 'findDeadNeurons',
    title: 'Find its dead neurons',
    picture: 'The form of a run: the question, its data, its settings and how long it will take.',
    description: `Ask one question of it. Data is proposed from what lies beside the model, a form has the settings, and you see how long it will take. Progress and first results come in place; Cancel keeps what is known so far.\n${link('Run Dead Neurons…', 'run.dead-neurons')}`,
    doneBy: ['run.dead-neurons', 'runAnalysis'],
  },
  {
    id: 'readReport',
    title: 'Read the answer',
    picture: 'A report: 138 of 448 neurons are dead, in a sentence, in numbers and layer by layer.',
    description: `The first line says it in one sentence, and every number says how it came about: measured on all samples, on some, estimated, or not captured. Dead means: never active on these samples. Further down: each neuron, what to try, and how it was computed. Reports stay under Results.\n${link('Show Results', 'results.focus')}`,
    doneBy: ['results.focus', 'openResult'],
  },
  {
    id: 'openNeuron',
    title: 'Look at one neuron',
    picture: 'The page of a neuron: its state, how its outputs are spread, examples and weights in.',
    description: `A neuron has an address: **fc1[3]** is unit 3 of layer fc1. Click one in a report or under a layer in the Models view: when it is active, on which examples most, and which weights lead into it. **j** and **k** go to the next and the previous one.\n${link('Open Neuron…', 'openNeuron')}`,
    doneBy: ['openNeuron', 'openAddress'],
  },
  {
    id: 'hoverCode',
    title: 'Meet it in your code',
    picture: 'A hover in training code over fc1: what the layer is and how many of its neurons are dead.',
    description:
      'Hover over a neuron where you write about it, `fc1[3]` or `acts["fc1"][:, 3]`, or over the line that makes its layer, `self.fc1 = nn.Linear(…)`: in Python, TypeScript, JavaScript, JSON and Markdown. The links in the hover lead to its page.',
    doneBy: ['openAddress', 'measureNow'],
  },
];
