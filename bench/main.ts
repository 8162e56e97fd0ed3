import { readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import type { BenchRow } from './benchRow.js';

// Runs every bench/*.bench.ts (or those named) and prints its rows: ratios from this run, beside the bar of the design.

interface BenchModule {
  run(): Promise<BenchRow[]>;
}

const here = dirname(fileURLToPath(import.meta.url));
const chosen = process.argv.slice(2);
const names = readdirSync(here)
  .filter((name) => name.endsWith('.bench.ts'))
  .map((name) => name.slice(0, -'.bench.ts'.length))
  .filter((name) => chosen.length === 0 || chosen.includes(name))
  .sort();

let missed = 0;
for (const name of names) {
  console.log(`\n${name}`);
  const bench = (await import(pathToFileURL(join(here, `${name}.bench.ts`)).href)) as BenchModule;
  for (const row of await bench.run()) {
    if (row.ok === false) missed++;
    console.log(formatRow(row));
  }
}
console.log(missed === 0 ? '\nEvery bar is met.' : `\n${missed} bars are missed.`);

function formatRow(row: BenchRow): string {
  const measured = row.ratio === undefined ? '' : `${row.ratio.toFixed(2)} ×`;
  const value = row.value === undefined ? '' : `${row.value.toPrecision(3)} ${row.unit ?? ''}`.trim();
  const verdict = row.ok === undefined ? '' : row.ok ? 'ok' : 'MISSED';
  const figure = [measured, value].filter((text) => text !== '').join(', ');
  return `  ${row.name.padEnd(64)} ${figure.padStart(16)}   ${(row.bar ?? '').padEnd(14)} ${verdict}`;
}
