import { openWorkload, type Workload } from './sweepWorkload.js';

// Run as a process of its own: runs one workload and prints the peak of its resident memory in bytes.

const workload = process.argv[2] as Workload;
const step = await openWorkload(workload, 4);
await step();
await step();
process.stdout.write(`${process.resourceUsage().maxRSS * 1024}\n`);
