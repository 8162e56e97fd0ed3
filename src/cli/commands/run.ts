import { existsSync } from 'node:fs';
import { dataForms } from '../../data/dataNames.js';
import { analyses } from '../../analyses/registry.js';
import { UserError } from '../../base/errors.js';
import type { Logger } from '../../base/logger.js';
import { providerNames, type RunRequest } from '../../protocol/engineMessages.js';
import type { Report } from '../../protocol/report.js';
import { maxCount, maxSeed } from '../../protocol/settings.js';
import { metricsOf } from '../../runs/declaredMetrics.js';
import { createEngineClient } from '../../runs/engineClient.js';
import { findingPlaces } from '../../runs/code/findingPlaces.js';
import { findAnalysis } from '../../runs/findAnalysis.js';
import { runReport, type RunOutcome } from '../../runs/runReport.js';
import { parseSettings } from '../../protocol/readSettings.js';
import { judge, type Judgement, parseThreshold, type Threshold } from '../../runs/thresholds.js';
import { choiceOption, integerOption, type ParsedArguments } from '../arguments.js';
import { type Command, positional } from '../command.js';
import { createPaint, safeText } from '../paint.js';
import { createProgressBar } from '../progressBar.js';
import { type MetricTitle, renderReport } from '../renderReport.js';
import { checkOutputs, outputsOf, writeOutputs } from '../runOutputs.js';
import { exitCodes, type Terminal } from '../terminal.js';
import { writtenThresholds } from '../../runs/writtenThresholds.js';

/** `run`: answers one question about a model. */
export const runCommand: Command = {
  name: 'run',
  summary: 'Ask one question about a model and print the report.',
  details: `Settings of each analysis: neuron-inspector analyses. With labels in the data, the model's accuracy comes first.
Exit codes: 0 done, 1 a --fail-on threshold was crossed, 2 wrong input, 3 a bug, 4 environment, 130 cancelled (Ctrl-C; what is known is still written).`,
  positionals: [
    { name: 'ID', isRequired: true, description: 'analysis, as listed by neuron-inspector analyses' },
    { name: 'MODEL', isRequired: true, description: 'an .onnx file' },
  ],
  options: [
    {
      name: 'data',
      value: 'PATH',
      description: dataForms,
      complete: 'file',
    },
    {
      name: 'described-by',
      value: 'INSPECT',
      description:
        'an .inspect.json of other data for the model, whose preprocessing and class names hold for --data',
      complete: 'file',
    },
    { name: 'set', value: 'key=value', isRepeated: true, description: 'a setting of the analysis' },
    { name: 'seed', value: 'N', description: 'seed of everything random; default 0' },
    {
      name: 'provider',
      value: 'NAME',
      description: `one of ${providerNames.join(', ')}; default auto`,
      complete: providerNames,
    },
    { name: 'limit', value: 'N', description: 'use the first N samples only' },
    {
      name: 'batch',
      value: 'N',
      description: 'samples per run of the model; default: chosen from the model',
    },
    { name: 'report', value: 'FILE', description: 'write the report (*.nireport.json)', complete: 'file' },
    {
      name: 'arrays',
      value: 'DIR',
      description: 'write every raw array as .npy, and arrays.json',
      complete: 'folder',
    },
    {
      name: 'cache',
      value: 'DIR',
      description: 'keep what was measured of each checkpoint here, and measure only what is new or changed',
      complete: 'folder',
    },
    { name: 'json', description: 'print the report as JSON instead of text' },
    {
      name: 'fail-on',
      value: '"metric>value"',
      isRepeated: true,
      description: 'exit 1 when it holds; > >= < <= ==',
    },
    { name: 'sarif', value: 'FILE', description: 'write findings as SARIF 2.1.0', complete: 'file' },
    {
      name: 'junit',
      value: 'FILE',
      description: 'write thresholds and findings as JUnit XML',
      complete: 'file',
    },
  ],
  examples: [
    {
      line: 'run dead-neurons model.onnx --data model.inspect.json',
      says: 'which units never fire on your data',
    },
    {
      line: 'run dead-neurons model.onnx --data val/ --fail-on "deadShare>0.1" --junit dead.xml',
      says: 'fail a build when over 10 % are dead',
    },
    {
      line: 'run attribution model.onnx --data cat.png --set method=integrated-gradients --report cat.nireport.json --arrays out',
      says: 'what a prediction rests on, with the raw arrays',
    },
  ],
  run,
};

async function run(args: ParsedArguments, terminal: Terminal): Promise<number> {
  const analysis = findAnalysis(analyses, positional(runCommand, args, 0));
  const request = requestOf(args);
  const written = await writtenThresholds(analysis, request);
  const thresholds = [...args.texts('fail-on'), ...written.texts].map((text) =>
    parseThreshold(text, Object.keys(metricsOf(analysis))),
  );
  if (written.otherSettingsCount > 0) {
    terminal.writeError('Some thresholds of the inspect file are for other settings and were not applied.\n');
  }
  const outputs = outputsOf(args);
  checkOutputs(outputs);
  const outcome = await runWithProgress(request, terminal);
  if (outcome.report === undefined) throw outcome.error;
  const { report } = outcome;
  const judgements =
    report.status === 'cancelled' || report.status === 'failed' ? [] : judgeAll(thresholds, report);
  const places =
    outputs.sarif === undefined ? new Map<string, never>() : await findingPlaces(request, report);
  writeOutputs(outputs, { report, parts: outcome.parts ?? [], judgements, places, error: outcome.error });
  await show(report, { isJson: args.hasFlag('json'), terminal, metrics: metricsOf(analysis) });
  explain(judgements, outcome, terminal);
  suggestData(request, terminal);
  if (outcome.error !== undefined) throw outcome.error;
  if (report.status === 'cancelled') return exitCodes.cancelled;
  return judgements.some((judgement) => judgement.isCrossed) ? exitCodes.thresholdCrossed : exitCodes.done;
}

/** Returns the checked request of the command's arguments. */
function requestOf(args: ParsedArguments): RunRequest {
  const analysis = findAnalysis(analyses, positional(runCommand, args, 0));
  const modelPath = positional(runCommand, args, 1);
  const dataPath = args.text('data');
  const describedBy = args.text('described-by');
  const limit = integerOption(args, 'limit', { minimum: 1, maximum: maxCount });
  const batchSize = integerOption(args, 'batch', { minimum: 1, maximum: maxCount });
  const arraysDir = args.text('arrays');
  const answersDir = args.text('cache');
  if (analysis.needs.data === 'required' && dataPath === undefined) throw dataMissing(analysis.id, modelPath);
  return {
    kind: 'run',
    analysis: analysis.id,
    modelPath,
    settings: parseSettings(analysis.settings, args.texts('set')),
    seed: integerOption(args, 'seed', { minimum: 0, maximum: maxSeed }) ?? 0,
    provider: choiceOption(args, 'provider', providerNames) ?? 'auto',
    ...(dataPath === undefined ? {} : { dataPath }),
    ...(describedBy === undefined ? {} : { describedBy }),
    ...(limit === undefined ? {} : { limit }),
    ...(batchSize === undefined ? {} : { batchSize }),
    ...(arraysDir === undefined ? {} : { arraysDir }),
    ...(answersDir === undefined ? {} : { answersDir }),
  };
}

async function runWithProgress(request: RunRequest, terminal: Terminal): Promise<RunOutcome> {
  const interrupt = new AbortController();
  const interrupted = terminal.onInterrupt(() => {
    interrupt.abort();
  });
  const bar = createProgressBar(terminal);
  const client = createEngineClient({ log: terminalLogger(terminal, bar) });
  try {
    return await runReport(client, request, {
      analyses,
      onProgress: (fractionDone, message) => {
        bar.update(fractionDone, message);
      },
      signal: interrupt.signal,
    });
  } finally {
    client.dispose();
    bar.clear();
    interrupted.dispose();
  }
}

/** Warnings of the engine go to stderr; the rest is for logs. */
function terminalLogger(terminal: Terminal, bar: { clear(): void }): Logger {
  const show = (message: string): void => {
    bar.clear();
    terminal.writeError(`${safeText(message)}\n`);
  };
  return { debug: () => undefined, info: () => undefined, warn: show, error: show };
}

function judgeAll(thresholds: readonly Threshold[], report: Report): Judgement[] {
  return thresholds.map((threshold) => judge(threshold, report));
}

async function show(
  report: Report,
  options: {
    readonly isJson: boolean;
    readonly terminal: Terminal;
    readonly metrics: Readonly<Record<string, MetricTitle>>;
  },
): Promise<void> {
  const { isJson, terminal, metrics } = options;
  const paint = createPaint(terminal.hasColor);
  const text = isJson
    ? `${JSON.stringify(report, null, 2)}\n`
    : renderReport(report, { width: terminal.width, paint, metrics });
  await terminal.write(text);
}

function explain(judgements: readonly Judgement[], outcome: RunOutcome, terminal: Terminal): void {
  for (const { isCrossed, reason } of judgements) {
    if (isCrossed) terminal.writeError(`Threshold crossed: ${safeText(reason)}\n`);
  }
  if (outcome.report?.status === 'cancelled') {
    terminal.writeError('Cancelled. The report holds what was known.\n');
  }
}

/** Says where data are that a question could have used and was not given. */
function suggestData({ analysis, modelPath, dataPath }: RunRequest, terminal: Terminal): void {
  const beside = inspectFileBeside(modelPath);
  const canUse = findAnalysis(analyses, analysis).needs.data !== 'none';
  if (dataPath !== undefined || beside === undefined || !canUse) return;
  terminal.writeError(`Without data. There is ${beside}: pass --data ${beside} to ask more.\n`);
}

function dataMissing(id: string, modelPath: string): UserError {
  const beside = inspectFileBeside(modelPath);
  const hint = beside === undefined ? '' : ` There is ${beside}: pass --data ${beside}.`;
  return new UserError('data-missing', `${id} needs data: pass --data with ${dataForms}.${hint}`, {
    detail: { analysis: id },
  });
}

function inspectFileBeside(modelPath: string): string | undefined {
  const beside = modelPath.replace(/\.onnx$/i, '.inspect.json');
  return beside !== modelPath && existsSync(beside) ? beside : undefined;
}
