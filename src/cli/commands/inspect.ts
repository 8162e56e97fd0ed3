import { silentLogger } from '../../base/logger.js';
import { formatInspection } from '../../onnx/formatInspection.js';
import { inspectModel } from '../../onnx/inspect.js';
import { readModel } from '../../onnx/readModel.js';
import type { Inspection } from '../../protocol/inspection.js';
import { createEngineClient } from '../../runs/engineClient.js';
import type { ParsedArguments } from '../arguments.js';
import { type Command, positional } from '../command.js';
import { createPaint, safeText } from '../paint.js';
import { exitCodes, type Terminal } from '../terminal.js';

/** `inspect`: shows a model's structure. */
export const inspectCommand: Command = {
  name: 'inspect',
  summary: "Show a model's structure: layers, units, parameters, shapes.",
  details:
    'Weights are not read, so a model of gigabytes opens like a small one. Nothing is run without --measure.',
  positionals: [{ name: 'MODEL', isRequired: true, description: 'an .onnx file' }],
  options: [
    { name: 'json', description: 'print JSON' },
    { name: 'measure', description: 'run the model once on made-up input and show the shapes seen' },
  ],
  examples: [
    { line: 'inspect model.onnx', says: 'what is in it' },
    { line: 'inspect model.onnx --json --measure', says: 'for programs, with shapes from one run' },
  ],
  run: async (args: ParsedArguments, terminal: Terminal) => {
    const modelPath = positional(inspectCommand, args, 0);
    // Without a run nothing native is needed, and no process is worth starting.
    const inspection = args.hasFlag('measure')
      ? await measured(modelPath, terminal)
      : inspectModel(await readModel(modelPath));
    if (inspection === undefined) return exitCodes.cancelled;
    const text = args.hasFlag('json')
      ? `${JSON.stringify(inspection, null, 2)}\n`
      : inspectionText(inspection, terminal);
    await terminal.write(text);
    return exitCodes.done;
  },
};

function inspectionText(inspection: Inspection, terminal: Terminal): string {
  const paint = createPaint(terminal.hasColor);
  const [title = '', ...rest] = safeText(formatInspection(inspection)).split('\n');
  return [paint.bold(title), ...rest].join('\n');
}

/** Returns the structure with measured shapes, or undefined when it was cancelled. */
async function measured(modelPath: string, terminal: Terminal): Promise<Inspection | undefined> {
  const interrupt = new AbortController();
  const interrupted = terminal.onInterrupt(() => {
    interrupt.abort();
  });
  const client = createEngineClient({ log: silentLogger });
  try {
    const outcome = await client.request(
      { kind: 'measure', modelPath, provider: 'cpu' },
      { signal: interrupt.signal },
    );
    if (outcome.kind === 'failed') throw outcome.error;
    return outcome.kind === 'cancelled' ? undefined : outcome.result;
  } finally {
    client.dispose();
    interrupted.dispose();
  }
}
