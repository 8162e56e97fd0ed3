import assert from 'node:assert/strict';
import type { SettingsSchema } from '../../../src/protocol/settings.js';
import type { RunChoice } from '../../../src/protocol/views/runMessages.js';
import {
  isChanged,
  optionField,
  readForm,
  textsOf,
  usedKeys,
} from '../../../webview/views/run/formValues.js';
import { matchSuggestions, suggestionsFor } from '../../../webview/views/run/suggestions.js';

const said = { title: 'T', description: 'D.' };

const schema = {
  method: { ...said, kind: 'choice', default: 'gradients', choices: ['gradients', 'occlusion'] },
  steps: {
    ...said,
    kind: 'integer',
    default: 50,
    minimum: 1,
    maximum: 1000,
    appliesWhen: { method: ['gradients'] },
  },
  bins: { ...said, kind: 'integer', default: null, minimum: 2 },
  layer: { ...said, kind: 'text', format: 'layer', default: null },
  multiply: { ...said, kind: 'boolean', default: true },
  // The run has an option of this name too.
  seed: { ...said, kind: 'integer', default: 3 },
} as const satisfies SettingsSchema;

const plain: RunChoice = { settings: {}, seed: 0, provider: 'auto', limit: null, batchSize: null };

describe('the values of a form', () => {
  it('are read back as the choice that filled it', () => {
    const choice: RunChoice = {
      settings: { steps: 7, bins: 4, layer: 'fc1', multiply: false, seed: 9 },
      seed: 11,
      provider: 'cpu',
      limit: 100,
      batchSize: 8,
    };
    assert.deepEqual(readForm(schema, textsOf(choice)), { choice, problems: {} });
    assert.deepEqual(readForm(schema, textsOf(plain)), { choice: plain, problems: {} });
  });

  it('leave out what was typed for a setting that is not used any more', () => {
    const texts = { method: 'occlusion', steps: 'nonsense' };
    assert.deepEqual(usedKeys(schema, texts), ['method', 'bins', 'layer', 'multiply', 'seed']);
    assert.deepEqual(readForm(schema, texts).choice?.settings, { method: 'occlusion' });
  });

  it('take an emptied field for a value that is not set, where there is such a value', () => {
    assert.deepEqual(readForm(schema, { bins: ' ', layer: '', [optionField('limit')]: '' }).choice, plain);
    assert.match(readForm(schema, { steps: '' }).problems['steps'] ?? '', /integer from 1 to 1000/);
  });

  it('are no choice while one is wrong, in the settings or in the options of the run', () => {
    for (const [field, text] of [
      ['steps', '0'],
      ['bins', '1'],
      [optionField('seed'), '-1'],
      [optionField('limit'), '0'],
      [optionField('batchSize'), '1.5'],
    ] as const) {
      const { choice, problems } = readForm(schema, { [field]: text });
      assert.equal(choice, null, field);
      assert.deepEqual(Object.keys(problems), [field]);
    }
  });

  it('count as changed by what they mean at rest', () => {
    assert.equal(isChanged({}, 'steps', schema.steps), false);
    assert.equal(isChanged({ steps: ' 50 ' }, 'steps', schema.steps), false);
    assert.equal(isChanged({ steps: '51' }, 'steps', schema.steps), true);
    assert.equal(isChanged({ layer: '' }, 'layer', schema.layer), false);
  });
});

describe('suggested layers', () => {
  const layers = [
    { name: 'features.0', address: 'features.0[0]', detail: 'Conv' },
    { name: 'classifier', address: 'classifier[0]', detail: 'Gemm' },
    { name: 'pre.features', address: null, detail: 'scope' },
  ];

  it('are addresses of units where a unit is wanted', () => {
    assert.deepEqual(
      suggestionsFor(layers, 'address').map(({ text }) => text),
      ['features.0[0]', 'classifier[0]'],
    );
  });

  it('begin with what is typed before they only hold it, and end once a unit is being typed', () => {
    const suggestions = suggestionsFor(layers, 'layer');
    const texts = (typed: string): string[] => matchSuggestions(suggestions, typed).map(({ text }) => text);
    assert.deepEqual(texts('FEAT'), ['features.0', 'pre.features']);
    assert.deepEqual(texts('features.0['), []);
    assert.deepEqual(texts('nothing'), []);
  });

  it('are few, however many layers there are', () => {
    const many = Array.from({ length: 10_000 }, (_, index) => ({ text: `l${index}`, detail: '' }));
    assert.equal(matchSuggestions(many, '').length, 50);
  });
});
