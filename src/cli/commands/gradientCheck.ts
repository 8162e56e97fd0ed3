import { providerNames } from '../../protocol/engineMessages.js';
import { formatNumber } from '../../protocol/formatReport.js';
import type { GradientCheckRow, GradientCheckTable } from '../../protocol/gradientCheck.js';
import { createEngineClient } from '../../runs/engineClient.js';
import { choiceOption, integerOption, type ParsedArguments } from '../arguments.js';
import { type Command, positional } from '../command.js';
import { createPaint, type Paint, safeText, wrap } from '../paint.js';
import { createProgressBar } from '../progressBar.js';
import { renderTable } from '../renderTable.js';
import { exitCodes, type Terminal } from '../terminal.js';
import { silentLogger } from '../../base/logger.js';

/** `gradient-check`: compares every gradient of a model with central differences. */
export const gradientCheckCommand: Command = {
  name: 'gradient-check',
  summary: "Check a model's gradients, operator by operator, against central differences.",
  details: 'Exit codes: 0 every gradient agrees, 1 a check failed, 2 wrong input, 4 environment.',
  positionals: [{ name: 'MODEL', isRequired: true, description: 'an .onnx file' }],
  options: [
    { name: 'seed', value: 'N', description: 'seed of the inputs and directions; default 0' },
    {
      name: 'provider',
      value: 'NAME',
      description: `one of ${providerNames.join(', ')}; default cpu`,
      complete: providerNames,
    },
    { name: 'json', description: 'print JSON' },
  ],
  examples: [{ line: 'gradient-check model.onnx', says: 'can its gradients be trusted?' }],
  run,
};

async function run(args: ParsedArguments, terminal: Terminal): Promise<number> {
  const request = {
    kind: 'gradient-check' as const,
    modelPath: positional(gradientCheckCommand, args, 0),
    // Central differences need the most exact provider, not the fastest.
    provider: choiceOption(args, 'provider', providerNames) ?? 'cpu',
    seed: integerOption(args, 'seed', { minimum: 0, maximum: 2 ** 32 - 1 }) ?? 0,
  };
  const interrupt = new AbortController();
  const interrupted = terminal.onInterrupt(() => {
    interrupt.abort();
  });
  const bar = createProgressBar(terminal);
  const client = createEngineClient({ log: silentLogger });
  try {
    const outcome = await client.request(request, {
      signal: interrupt.signal,
      onProgress: (fractionDone, message) => {
        bar.update(fractionDone, message);
      },
    });
    bar.clear();
    if (outcome.kind === 'failed') throw outcome.error;
    if (outcome.kind === 'cancelled') return exitCodes.cancelled;
    const table = outcome.result;
    await terminal.write(
      args.hasFlag('json') ? `${JSON.stringify(table, null, 2)}\n` : tableText(table, terminal),
    );
    return table.isPassed ? exitCodes.done : exitCodes.thresholdCrossed;
  } finally {
    client.dispose();
    bar.clear();
    interrupted.dispose();
  }
}

const statusTexts: Readonly<Record<GradientCheckRow['status'], string>> = {
  passed: 'passed',
  failed: 'FAILED',
  'no-gradient': 'no gradient',
  'no-rule': 'NO RULE',
  'not-checked': 'not checked',
};

function tableText(table: GradientCheckTable, terminal: Terminal): string {
  const paint = createPaint(terminal.hasColor);
  const columns = [
    { key: 'operator', label: 'Operator', kind: 'text' as const },
    { key: 'nodeCount', label: 'Nodes', kind: 'count' as const },
    { key: 'status', label: 'Gradient', kind: 'text' as const },
    { key: 'maxError', label: 'Largest error', kind: 'text' as const },
    { key: 'checkedCount', label: 'Compared', kind: 'count' as const },
    { key: 'note', label: 'Note', kind: 'text' as const },
  ];
  const rows = table.rows.map((row) => ({
    ...row,
    status: statusTexts[row.status],
    maxError: row.maxError === null ? '–' : row.maxError.toExponential(1),
  }));
  const lines = renderTable({ columns, rows }, { width: terminal.width, maxRows: Infinity, paint });
  const warnings = table.warnings.flatMap((warning) => wrap(`! ${safeText(warning)}`, terminal.width));
  return `${[...lines, '', ...warnings, verdict(table, paint)].join('\n')}\n`;
}

function verdict(table: GradientCheckTable, paint: Paint): string {
  const { rows, isPassed, tolerance, wholeModelTolerance } = table;
  if (!rows.some(({ checkedCount }) => checkedCount > 0)) return 'No gradient was compared.';
  const bound = `relative error up to ${formatNumber(tolerance)}, of the whole model ${formatNumber(wholeModelTolerance)}`;
  if (isPassed) return paint.green(`Every gradient that was compared agrees (${bound}).`);
  const failed = rows.filter((row) => row.status === 'failed').map(({ operator }) => operator);
  return paint.red(`Failed: ${failed.join(', ')} (${bound}).`);
}
