import { readFileSync, writeFileSync } from 'node:fs';
import { openWorkload, type Workload } from './sweepWorkload.js';

// Run as a process of its own: runs one workload and prints the peak of its resident memory while running, in bytes.

const batchCount = 32;
const workload = process.argv[2] as Workload;
const step = await openWorkload(workload, batchCount);
// Building the model peaks higher than any run, so Linux's high-water mark is set back first.
writeFileSync('/proc/self/clear_refs', '5');
for (let i = 0; i < 4; i++) await step();
const peak = /VmHWM:\s+(\d+) kB/.exec(readFileSync('/proc/self/status', 'utf8'));
process.stdout.write(`${Number(peak?.[1]) * 1024}\n`);
