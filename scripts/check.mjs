// `npm run check`: types, lint, format, import direction, dead code, what is generated, paths in the docs. All run; any failure fails.
import { spawn } from 'node:child_process';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { ensureInstalled, rootDir } from './setup.mjs';

ensureInstalled();
const steps = [
  ['types', () => bin('typescript/bin/tsc', ['-p', 'tsconfig.json'])],
  ['types of tests', () => bin('typescript/bin/tsc', ['-p', 'test/tsconfig.json'])],
  ['types of webview', () => bin('typescript/bin/tsc', ['-p', 'webview/tsconfig.json'])],
  ['lint', () => bin('eslint/bin/eslint.js', ['.', '--max-warnings', '0'])],
  ['format', () => bin('prettier/bin/prettier.cjs', ['--check', '--log-level', 'warn', '.'])],
  [
    'import direction',
    () =>
      bin('dependency-cruiser/bin/dependency-cruise.mjs', [
        'src',
        'webview',
        '--config',
        '.dependency-cruiser.cjs',
      ]),
  ],
  ['dead code', () => bin('knip/bin/knip.js', ['--no-progress'])],
  ['schemas', () => runNode(['--import', 'tsx', join(rootDir, 'scripts', 'schemas', 'main.ts'), '--check'])],
  [
    'operators',
    () => runNode(['--import', 'tsx', join(rootDir, 'scripts', 'operators', 'main.ts'), '--check']),
  ],
  ['papers', () => runNode(['--import', 'tsx', join(rootDir, 'scripts', 'papers', 'main.ts'), '--check'])],
  [
    'manifest',
    () => runNode(['--import', 'tsx', join(rootDir, 'scripts', 'manifest', 'main.ts'), '--check']),
  ],
  ['texts to translate', () => runNode([join(rootDir, 'scripts', 'l10n.mjs'), '--check'])],
  ['dependencies', () => runNode([join(rootDir, 'scripts', 'dependencies.mjs'), '--check'])],
  ['third-party notices', () => runNode([join(rootDir, 'scripts', 'notices.mjs'), '--check'])],
  ['paths in the docs', checkDocPaths],
];
// Linting takes as long as all the others together, so it goes first; several run at a time and say what they found when done.
const waiting = [...steps].sort(([a], [b]) => Number(b === 'lint') - Number(a === 'lint'));
let failed = 0;
await Promise.all(Array.from({ length: Math.min(2, availableParallelism()) }, runWaiting));
process.exit(failed > 0 ? 1 : 0);

async function runWaiting() {
  for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
    const [name, step] = next;
    const start = Date.now();
    const { isGood, output } = await step();
    if (!isGood) failed++;
    const seconds = ((Date.now() - start) / 1000).toFixed(1);
    console.log(`${output}${isGood ? 'ok    ' : 'FAILED'} ${name} (${seconds} s)`);
  }
}

function bin(script, args) {
  return runNode([join(rootDir, 'node_modules', script), ...args]);
}

/** Runs a script and returns whether it succeeded, and what it printed. */
function runNode(args) {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, args, { cwd: rootDir, stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8');
      stream.on('data', (text) => (output += text));
    }
    child.on('close', (code) => {
      resolve({ isGood: code === 0, output });
    });
  });
}

/** Every path that a document names in backticks or as a link must exist. */
function checkDocPaths() {
  const documents = [
    'README.md',
    'CONTRIBUTING.md',
    ...markdownIn('docs'),
    ...markdownIn('test'),
    ...markdownIn('sample-models'),
  ];
  const missing = [];
  for (const document of documents) {
    const text = readFileSync(join(rootDir, document), 'utf8');
    for (const path of pathsIn(text)) {
      const isThere = existsSync(join(rootDir, path)) || existsSync(join(rootDir, dirname(document), path));
      if (!isThere) missing.push(`${document}: ${path}`);
    }
  }
  const output = missing.map((line) => `  no such path: ${line}\n`).join('');
  return { isGood: missing.length === 0, output };
}

function markdownIn(dir) {
  if (!existsSync(join(rootDir, dir))) return [];
  return readdirSync(join(rootDir, dir), { recursive: true })
    .filter((name) => name.endsWith('.md') && !name.includes('node_modules'))
    .map((name) => relative(rootDir, join(rootDir, dir, name)));
}

function pathsIn(text) {
  const quoted = [
    ...text.matchAll(
      /`((?:src|test|docs|scripts|bench|webview|media|sample-models|\.ci|\.vscode)\/[^`\s<>*{}…]*)`/g,
    ),
  ];
  const linked = [...text.matchAll(/\]\((?!https?:|#|mailto:)([^)#\s]+)/g)];
  return [...quoted, ...linked].map((match) => match[1]);
}
