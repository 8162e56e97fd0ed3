import assert from 'node:assert/strict';
import { UserError } from '../../../src/base/errors.js';
import { nearest } from '../../../src/base/nearest.js';
import { choiceOption, integerOption, parseArguments } from '../../../src/cli/arguments.js';

const options = [
  { name: 'set', value: 'key=value', isRepeated: true, description: '' },
  { name: 'seed', value: 'N', description: '' },
  { name: 'report', value: 'FILE', description: '' },
  { name: 'json', description: '' },
];

function codeOf(args: readonly string[]): string {
  try {
    parseArguments(args, options);
  } catch (error) {
    assert(error instanceof UserError);
    return error.code;
  }
  return 'accepted';
}

describe('command line arguments', () => {
  it('takes options anywhere, with or without an equals sign', () => {
    const args = parseArguments(
      ['run', '--set', 'a=1', '--seed=-3', 'x', '--set=b=2', '--json', '--', '--y'],
      options,
    );
    assert.deepEqual(args.positionals, ['run', 'x', '--y']);
    assert.deepEqual(args.texts('set'), ['a=1', 'b=2']);
    assert.equal(args.text('seed'), '-3');
    assert(args.hasFlag('json'));
    assert(!args.hasFlag('report'));
  });

  const refused: [string, readonly string[], string][] = [
    ['an unknown option', ['--sed', '3'], 'unknown-option'],
    ['an unknown short option', ['-s', '3'], 'unknown-option'],
    ['a value for a flag', ['--json=1'], 'option-value-unexpected'],
    ['a missing value at the end', ['--seed'], 'option-value-missing'],
    ['an option where a value belongs', ['--report', '--json'], 'option-value-missing'],
    ['an empty value', ['--report='], 'option-value-missing'],
    ['an option given twice', ['--seed', '1', '--seed', '2'], 'option-repeated'],
  ];
  for (const [name, args, code] of refused) {
    it(`refuses ${name}`, () => {
      assert.equal(codeOf(args), code);
    });
  }

  it('suggests the nearest option', () => {
    assert.throws(() => parseArguments(['--reprot', 'x'], options), /Did you mean "--report"/);
  });

  for (const text of ['1.5', 'x', '', '-1', '11', '1e1', '0x5', ' 5']) {
    it(`refuses "${text}" as an integer from 0 to 10`, () => {
      const args = { positionals: [], hasFlag: () => true, text: () => text, texts: () => [text] };
      assert.throws(
        () => integerOption(args, 'seed', { minimum: 0, maximum: 10 }),
        /not an integer from 0 to 10/,
      );
    });
  }

  it('refuses a choice that is none, with the choices', () => {
    const args = { positionals: [], hasFlag: () => true, text: () => 'cdua', texts: () => ['cdua'] };
    assert.throws(() => choiceOption(args, 'provider', ['cpu', 'cuda']), /one of cpu, cuda.*"cuda"/);
  });
});

describe('suggestions', () => {
  const words = ['dead-neurons', 'activation-sparsity', 'attribution'];
  const cases: [string, string[]][] = [
    ['dead-neuron', ['dead-neurons']],
    ['daed-neurons', ['dead-neurons']],
    ['DEAD-NEURONS', ['dead-neurons']],
    ['atribution', ['attribution']],
    ['dead', ['dead-neurons']],
    ['x', []],
    ['quantisation', []],
  ];
  for (const [word, expected] of cases) {
    it(`for "${word}": ${expected.join() || 'none'}`, () => {
      assert.deepEqual(nearest(word, words), expected);
    });
  }
});
