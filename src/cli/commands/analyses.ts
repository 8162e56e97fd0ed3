import { type Analysis, questionTitles } from '../../analyses/analysis.js';
import { analyses } from '../../analyses/registry.js';
import { metricsOf } from '../../runs/declaredMetrics.js';
import { describeAllowed, type SettingsSchema } from '../../protocol/settings.js';
import type { ParsedArguments } from '../arguments.js';
import type { Command } from '../command.js';
import { createPaint, type Paint, wrap } from '../paint.js';
import { exitCodes, type Terminal } from '../terminal.js';

/** `analyses`: lists the questions that can be asked. */
export const analysesCommand: Command = {
  name: 'analyses',
  summary: 'List the analyses with their settings and metrics.',
  details: '',
  positionals: [],
  options: [{ name: 'json', description: 'print JSON' }],
  examples: [
    { line: 'analyses', says: 'what can be asked' },
    { line: 'analyses --json', says: 'the same for programs' },
  ],
  run: async (args: ParsedArguments, terminal: Terminal) => {
    const text = args.hasFlag('json')
      ? JSON.stringify(analyses.map(toJson), null, 2)
      : analysesText(createPaint(terminal.hasColor), terminal.width);
    await terminal.write(`${text}\n`);
    return exitCodes.done;
  },
};

function toJson(analysis: Analysis): Record<string, unknown> {
  const { id, question, title, asks, needs, settings, papers } = analysis;
  return { id, question, title, asks, needs, settings, metrics: metricsOf(analysis), papers };
}

function analysesText(paint: Paint, width: number): string {
  const lines: string[] = [];
  const questions = Object.entries(questionTitles);
  for (const [question, title] of questions) {
    const members = analyses.filter((analysis) => analysis.question === question);
    if (members.length === 0) continue;
    lines.push(paint.bold(title));
    for (const analysis of members) lines.push(...analysisLines(analysis, paint, width));
    lines.push('');
  }
  lines.push(paint.dim('Ask one: neuron-inspector run ID MODEL --data PATH'));
  return lines.join('\n');
}

function analysisLines(analysis: Analysis, paint: Paint, width: number): string[] {
  const indented = (text: string, indent: number): string[] =>
    wrap(text, width - indent).map((line) => ' '.repeat(indent) + line);
  return [
    `  ${paint.cyan(analysis.id)}  ${analysis.asks}`,
    ...indented(`needs: ${needsOf(analysis)}`, 4).map(paint.dim),
    ...settingLines(analysis.settings).flatMap((line) => indented(line, 4)),
    ...indented(`metrics: ${Object.keys(metricsOf(analysis)).join(', ')}`, 4).map(paint.dim),
  ];
}

function settingLines(settings: SettingsSchema): string[] {
  return Object.entries(settings).map(
    ([key, setting]) =>
      `--set ${key}=${String(setting.default ?? '…')}  ${setting.description} (${describeAllowed(setting)})`,
  );
}

function needsOf({ needs }: Analysis): string {
  const words: string[] = [];
  if (needs.data !== 'none') words.push(needs.data === 'required' ? 'data' : 'data (optional)');
  if (needs.labels !== 'none') words.push(needs.labels === 'required' ? 'labels' : 'labels (optional)');
  if (needs.gradients) words.push('gradients');
  return words.length === 0 ? 'the model only' : words.join(', ');
}
