import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import fc from 'fast-check';
import { parseArguments } from '../../../src/cli/arguments.js';
import { runCommand } from '../../../src/cli/commands/run.js';
import { cliCommand } from '../../../src/extension/run/cliCommand.js';
import { type Shell, shellLine, shellOf } from '../../../src/base/shellQuote.js';
import type { RunRequest } from '../../../src/protocol/engineMessages.js';
import type { SettingsSchema } from '../../../src/protocol/settings.js';
import { parseSettings } from '../../../src/protocol/readSettings.js';

const said = { title: 'T', description: 'D.' };

const schema = {
  steps: { ...said, kind: 'integer', default: 50, minimum: 1 },
  epsilon: { ...said, kind: 'number', default: 0.001, minimum: 0 },
  bins: { ...said, kind: 'integer', default: 8 },
  optional: { ...said, kind: 'number', default: null },
  multiply: { ...said, kind: 'boolean', default: true },
  layer: { ...said, kind: 'text', default: null },
  target: { ...said, kind: 'text', default: 'argmax' },
} as const satisfies SettingsSchema;

type Asked = Omit<RunRequest, 'kind'>;

const plainRequest: Asked = {
  analysis: 'dead-neurons',
  modelPath: '/w/net.onnx',
  settings: {},
  seed: 0,
  provider: 'auto',
};

/** Takes a line apart as a POSIX shell does, with the one that is here. */
function wordsOfSh(line: string): string[] {
  const script = `for word in ${line}; do printf '%s\\0' "$word"; done`;
  return execFileSync('sh', ['-c', script], { encoding: 'utf8' }).split('\0').slice(0, -1);
}

/** Takes a line apart as Windows programs do: https://learn.microsoft.com/cpp/c-language/parsing-c-command-line-arguments. */
function wordsOfWindows(line: string): string[] {
  const words: string[] = [];
  let word = '';
  let hasWord = false;
  let isQuoted = false;
  for (let index = 0; index < line.length; index++) {
    const slashes = /^\\+/.exec(line.slice(index))?.[0].length ?? 0;
    if (slashes > 0) {
      const isBeforeQuote = line[index + slashes] === '"';
      word += '\\'.repeat(isBeforeQuote ? Math.floor(slashes / 2) : slashes);
      hasWord = true;
      index += slashes - 1;
      if (isBeforeQuote && slashes % 2 === 1) {
        word += '"';
        index++;
      }
      continue;
    }
    const character = line[index]!;
    if (character === '"') {
      isQuoted = !isQuoted;
      hasWord = true;
    } else if (!isQuoted && /\s/.test(character)) {
      if (hasWord) words.push(word);
      word = '';
      hasWord = false;
    } else {
      word += character;
      hasWord = true;
    }
  }
  return hasWord ? [...words, word] : words;
}

/** What `cmd` passes on: variables replaced, then carets outside quotes taken away; what would end the command fails. */
function throughCmd(line: string, variables: Readonly<Record<string, string>>): string {
  const expanded = line.replace(/%([^%]+)%/g, (all, name: string) => variables[name] ?? all);
  let text = '';
  let isQuoted = false;
  for (let index = 0; index < expanded.length; index++) {
    const character = expanded[index]!;
    if (!isQuoted && character === '^') {
      index++;
      text += expanded[index] ?? '';
      continue;
    }
    assert(isQuoted || !/[&|<>]/.test(character), `${character} means something in ${line}`);
    if (character === '"') isQuoted = !isQuoted;
    text += character;
  }
  return text;
}

/** A command that npm installs is a batch file: its words go through `cmd` once more, without variables. */
function wordsOfCmd(line: string): string[] {
  return wordsOfWindows(throughCmd(throughCmd(line, { PATH: 'C:\\evil' }), {}));
}

/** Takes a line apart as PowerShell does where it is words and single-quoted ones, which is all that is written. */
function wordsOfPowerShell(line: string): string[] {
  return (line.match(/'(?:[^']|'')*'|\S+/g) ?? []).map((part) => {
    if (part.startsWith("'")) return part.slice(1, -1).replaceAll("''", "'");
    assert.match(part, /^[A-Za-z0-9_./:=+\\-]+$/, 'means something to PowerShell');
    return part;
  });
}

/** Version 5 quotes words with white space for the program, and nothing else. */
function wordsOfWindowsPowerShell(line: string): string[] {
  const words = wordsOfPowerShell(line).map((word) => (/\s/.test(word) || word === '' ? `"${word}"` : word));
  return wordsOfWindows(words.join(' '));
}

const readers: Readonly<Record<Shell, (line: string) => string[]>> = {
  posix: wordsOfSh,
  powershell: wordsOfPowerShell,
  'windows-powershell': wordsOfWindowsPowerShell,
  cmd: wordsOfCmd,
};

const awkward = [
  'plain',
  'two words',
  `it's`,
  '"quoted name"[3]',
  'a\\"b',
  'ends with \\',
  'C:\\Program Files\\model.onnx',
  '$HOME `date` !x #y ~z *',
  '%PATH%',
  'a "b" & c | d > e',
  '~',
  '-x',
  'ünïcödé — 模型',
  '(a;b) {c,d} [e]?',
];

describe('a command line', () => {
  for (const [shell, wordsOf] of Object.entries(readers) as [Shell, (line: string) => string[]][]) {
    it(`is taken apart by ${shell} into the words it was made of`, () => {
      for (const word of awkward) {
        assert.deepEqual(wordsOf(shellLine(['run', word, 'end'], shell)), ['run', word, 'end']);
      }
      const words = fc.array(fc.string({ unit: 'grapheme-ascii', minLength: 1, maxLength: 12 }), {
        minLength: 1,
        maxLength: 5,
      });
      fc.assert(
        fc.property(words, (some) => {
          assert.deepEqual(wordsOf(shellLine(some, shell)), some);
        }),
        { numRuns: shell === 'posix' ? 60 : 1000, seed: 7 },
      );
    });
  }

  it('is for the shell that the editor opens', () => {
    assert.equal(shellOf('/bin/zsh', 'darwin'), 'posix');
    assert.equal(shellOf('C:\\Windows\\System32\\cmd.exe', 'win32'), 'cmd');
    assert.equal(shellOf('C:\\Program Files\\PowerShell\\7\\pwsh.exe', 'win32'), 'powershell');
    assert.equal(
      shellOf('C:\\Windows\\System32\\WindowsPowerShell\\v1.0\\powershell.exe', 'win32'),
      'windows-powershell',
    );
    assert.equal(shellOf('C:\\Program Files\\Git\\bin\\bash.exe', 'win32'), 'posix');
    assert.equal(shellOf('', 'win32'), 'windows-powershell');
    assert.equal(shellOf('', 'linux'), 'posix');
  });
});

/** Reads a line as the command line program does. */
function asked(line: string): Record<string, unknown> {
  const [program, command, ...words] = wordsOfSh(line);
  assert.deepEqual([program, command], ['neuron-inspector', 'run']);
  const args = parseArguments(words, runCommand.options);
  return {
    positionals: args.positionals,
    data: args.text('data'),
    settings: parseSettings(schema, args.texts('set')),
    seed: args.text('seed'),
    provider: args.text('provider'),
    limit: args.text('limit'),
    batch: args.text('batch'),
  };
}

describe('the command of a run', () => {
  it('leaves out what has its default', () => {
    const line = cliCommand({ ...plainRequest, settings: { steps: 50, multiply: true } }, schema, {
      shell: 'posix',
    });
    assert.equal(line, 'neuron-inspector run dead-neurons /w/net.onnx');
  });

  it('asks the same when the program reads it', () => {
    const request: Asked = {
      ...plainRequest,
      modelPath: `/w/it's/net.onnx`,
      dataPath: '/w/my data/val',
      settings: { steps: 7, epsilon: 1e-7, optional: 2.5, multiply: false, layer: '"a b"[3]', target: '-1' },
      seed: 12,
      provider: 'cpu',
      limit: 100,
      batchSize: 32,
    };
    assert.deepEqual(asked(cliCommand(request, schema, { shell: 'posix' })), {
      positionals: ['dead-neurons', request.modelPath],
      data: request.dataPath,
      settings: request.settings,
      seed: '12',
      provider: 'cpu',
      limit: '100',
      batch: '32',
    });
  });

  it('writes every number so that it is read as the same number', () => {
    fc.assert(
      fc.property(fc.double({ noNaN: true, noDefaultInfinity: true, min: 0 }), (epsilon) => {
        fc.pre(epsilon !== schema.epsilon.default);
        const words = cliCommand({ ...plainRequest, settings: { epsilon } }, schema, {
          shell: 'posix',
        }).split(' ');
        const { settings } = { settings: parseSettings(schema, [words.at(-1)!]) };
        assert.deepEqual(settings, { epsilon: epsilon + 0 });
      }),
      { seed: 3 },
    );
  });

  it('writes paths from the folder that it is run in, and those outside in full', () => {
    const folder = join('/w', 'space');
    const line = cliCommand(
      {
        ...plainRequest,
        modelPath: join(folder, 'models', 'a.onnx'),
        dataPath: join('/w', 'other', 'b.npz'),
      },
      schema,
      { shell: 'posix', folder },
    );
    assert.deepEqual(asked(line)['positionals'], ['dead-neurons', join('models', 'a.onnx')]);
    assert.equal(asked(line)['data'], join('/w', 'other', 'b.npz'));
  });

  it('keeps a path that begins with a dash from being read as an option', () => {
    const folder = join('/w', 'space');
    const request = { ...plainRequest, modelPath: join(folder, '-m.onnx'), dataPath: join(folder, '-d.npz') };
    const read = asked(cliCommand(request, schema, { shell: 'posix', folder }));
    assert.deepEqual(read['positionals'], ['dead-neurons', './-m.onnx']);
    assert.equal(read['data'], './-d.npz');
  });
});
