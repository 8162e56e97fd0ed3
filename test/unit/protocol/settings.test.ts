import assert from 'node:assert/strict';
import { UserError } from '../../../src/base/errors.js';
import {
  type Setting,
  settingApplies,
  settingFromText,
  settingProblem,
  type SettingsSchema,
  settingTextProblem,
  settingToText,
  unusedSettings,
  usedSettings,
} from '../../../src/protocol/settings.js';
import { parseSettings } from '../../../src/protocol/readSettings.js';

const said = { title: 'T', description: 'D.' };

const schema = {
  steps: { ...said, kind: 'integer', default: 50, minimum: 1, maximum: 1000, unit: 'points' },
  epsilon: { ...said, kind: 'number', default: 1e-3, minimum: 0, maximum: 1, exclusive: true },
  bins: { ...said, kind: 'integer', default: null, minimum: 2 },
  multiply: { ...said, kind: 'boolean', default: true },
  method: { ...said, kind: 'choice', default: 'gradient', choices: ['gradient', 'occlusion'] },
  layer: { ...said, kind: 'text', default: null, format: 'address', appliesWhen: { method: ['gradient'] } },
  window: { ...said, kind: 'text', default: '3', format: 'integers' },
} as const satisfies SettingsSchema;

const wrongTexts: readonly (readonly [keyof typeof schema, string])[] = [
  ['steps', '0'],
  ['steps', '1.5'],
  ['steps', 'ten'],
  ['steps', ''],
  ['epsilon', '1'],
  ['bins', '1'],
  ['multiply', 'yes'],
  ['method', 'gradeint'],
  ['window', '3;5'],
];

describe('the check of a setting', () => {
  it('says what the command line says of the same text, behind the name', () => {
    for (const [key, text] of wrongTexts) {
      const problem = settingTextProblem(schema[key], text);
      assert(problem !== undefined, `${key}=${text} was accepted`);
      assert.throws(
        () => parseSettings(schema, [`${key}=${text}`]),
        (error) => error instanceof UserError && error.message === `Setting ${key}: ${problem}`,
      );
    }
  });

  it('names the bounds and the unit', () => {
    assert.equal(
      settingTextProblem(schema.steps, '1001'),
      '"1001" is out of range: it must be an integer from 1 to 1000 (points).',
    );
  });

  it('accepts the text of every value that it accepts', () => {
    const values: readonly (readonly [Setting, unknown])[] = [
      [schema.steps, 1000],
      [schema.epsilon, 1e-7],
      [schema.bins, null],
      [schema.bins, 2],
      [schema.multiply, false],
      [schema.method, 'occlusion'],
      [schema.layer, null],
      [schema.layer, 'a[3]'],
      [schema.window, '3, -5'],
    ];
    for (const [setting, value] of values) {
      // Written as literals above.
      const known = value as number | string | boolean | null;
      assert.equal(settingProblem(setting, known), undefined);
      assert.equal(settingFromText(setting, settingToText(setting, known)), known);
    }
  });
});

describe('a setting that depends on a choice', () => {
  it('applies by the default of the choice when none was made', () => {
    assert.equal(settingApplies(schema, 'layer', {}), true);
    assert.equal(settingApplies(schema, 'layer', { method: 'occlusion' }), false);
    assert.equal(settingApplies(schema, 'window', { method: 'occlusion' }), true);
  });

  it('is left out of what an earlier run asked where it had no effect', () => {
    const given = { method: 'occlusion', layer: 'fc1', window: '5' };
    assert.deepEqual(unusedSettings(schema, given), ['layer']);
    assert.deepEqual(usedSettings(schema, given), { method: 'occlusion', window: '5' });
    assert.deepEqual(usedSettings(schema, { layer: 'fc1' }), { layer: 'fc1' });
  });
});
