import { readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import type { BenchRow } from './benchRow.js';

// Runs every bench/*.bench.ts (or those named) and prints its rows: ratios from this run, beside the bar of the design.
// With --strict, a missed bar makes the exit code 1; with --write, pages made of rows are written.

interface BenchModule {
  run(): Promise<BenchRow[]>;
  /** Writes the page that shows the rows, where there is one. */
  write?(rows: readonly BenchRow[]): void;
}

const here = dirname(fileURLToPath(import.meta.url));
const isStrict = process.argv.includes('--strict');
const isWriting = process.argv.includes('--write');
const chosen = process.argv.slice(2).filter((argument) => !argument.startsWith('--'));

const names = readdirSync(here)
  .filter((name) => name.endsWith('.bench.ts'))
  .map((name) => name.slice(0, -'.bench.ts'.length))
  .filter((name) => chosen.length === 0 || chosen.includes(name))
  .sort();

let missed = 0;
for (const name of names) {
  console.log(`\n${name}`);
  const bench = (await import(pathToFileURL(join(here, `${name}.bench.ts`)).href)) as BenchModule;
  const rows = await bench.run();
  if (isWriting) bench.write?.(rows);
  for (const row of rows) {
    if (row.ok === false) missed++;
    console.log(formatRow(row));
  }
}
console.log(missed === 0 ? '\nEvery bar is met.' : `\n${missed} bars are missed.`);
if (isStrict && missed > 0) process.exitCode = 1;

function formatRow(row: BenchRow): string {
  if (row.notMeasured !== undefined) {
    return `  not measured: ${row.name}, ${row.bar ?? ''} (${row.notMeasured})`;
  }
  const measured = row.ratio === undefined ? '' : `${row.ratio.toFixed(2)} ×`;
  const value = row.value === undefined ? '' : `${row.value.toPrecision(3)} ${row.unit ?? ''}`.trim();
  const verdict = row.ok === undefined ? '' : row.ok ? 'ok' : 'MISSED';
  const figure = [measured, value].filter((text) => text !== '').join(', ');
  return `  ${row.name.padEnd(64)} ${figure.padStart(16)}   ${(row.bar ?? '').padEnd(14)} ${verdict}`;
}
