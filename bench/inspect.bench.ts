import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { BenchRow } from './benchRow.js';
import { writeLargeModel } from './largeModel.js';

const cliPath = join(dirname(fileURLToPath(import.meta.url)), '..', 'dist', 'cli.js');

/** The design's bar for `inspect`. */
const maxSeconds = 0.5;
const maxPeakMB = 150;

const cases = [
  { name: '420 MB model', width: 648 },
  { name: '1.9 GB model', width: 1378 },
  { name: '4.2 GB model with external data', width: 2050, dataName: 'weights.bin' },
];

/** Measures `inspect MODEL --json` as a person starts it, process start included: time (median of 5) and peak memory. */
export function run(): Promise<BenchRow[]> {
  const folder = mkdtempSync(join(tmpdir(), 'neuron-inspector-bench-'));
  try {
    const rows = cases.flatMap((large) => {
      const path = join(folder, 'model.onnx');
      const weightBytes = writeLargeModel({ ...large, path });
      if (large.dataName !== undefined) {
        writeFileSync(join(folder, large.dataName), '');
        truncateSync(join(folder, large.dataName), weightBytes);
      }
      return measured(large.name, path);
    });
    return Promise.resolve(rows);
  } catch (error) {
    // Holes need no room, but some temporary file systems limit the length of files.
    throw new Error(`The large models could not be made or inspected in ${folder}.`, { cause: error });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function measured(name: string, path: string): BenchRow[] {
  const runs = Array.from({ length: 5 }, () => inspectOnce(path));
  const seconds = runs.map((one) => one.seconds).sort((a, b) => a - b)[2] ?? NaN;
  const peakMB = Math.max(...runs.map((one) => one.peakMB));
  return [
    {
      name: `inspect a ${name}`,
      value: seconds,
      unit: 's',
      bar: `< ${maxSeconds} s`,
      ok: seconds < maxSeconds,
    },
    {
      name: `inspect a ${name}, peak memory`,
      value: peakMB,
      unit: 'MB',
      bar: `< ${maxPeakMB} MB`,
      ok: peakMB < maxPeakMB,
    },
  ];
}

/** The preload prints what the operating system counted, when the process ends. */
const preload = `data:text/javascript,process.on('exit',()=>process.stderr.write('peak='+process.resourceUsage().maxRSS))`;

function inspectOnce(path: string): { seconds: number; peakMB: number } {
  const script =
    `const{spawnSync}=require('child_process');const t=performance.now();` +
    `const r=spawnSync(process.execPath,${JSON.stringify(['--import', preload, cliPath, 'inspect', path, '--json'])},{encoding:'utf8',maxBuffer:1e9});` +
    `process.stdout.write(JSON.stringify({seconds:(performance.now()-t)/1000,status:r.status,stderr:r.stderr,nodes:JSON.parse(r.stdout||'{}').nodeCount}))`;
  // Started from a small process: a forked child first shows the memory of the process it was forked from.
  const printed = execFileSync(process.execPath, ['-e', script], { encoding: 'utf8' });
  const result = JSON.parse(printed) as { seconds: number; status: number; stderr: string; nodes: number };
  const peakKB = /peak=(\d+)$/.exec(result.stderr)?.[1];
  if (result.status !== 0 || result.nodes !== 1000 || peakKB === undefined) {
    throw new Error(`inspect failed (exit ${result.status}, ${result.nodes} nodes): ${result.stderr}`);
  }
  return { seconds: result.seconds, peakMB: (Number(peakKB) * 1024) / 1e6 };
}
