import assert from 'node:assert/strict';
import { UserError } from '../../../src/base/errors.js';
import type { SettingsSchema } from '../../../src/protocol/settings.js';
import { completeSettings, parseSettings } from '../../../src/protocol/readSettings.js';

const schema = {
  steps: { kind: 'integer', title: 'Steps', description: 'Steps.', default: 50, minimum: 1, maximum: 1000 },
  epsilon: {
    kind: 'number',
    title: 'ε',
    description: 'ε.',
    default: 1e-3,
    minimum: 0,
    maximum: 1,
    exclusive: true,
  },
  bins: { kind: 'integer', title: 'Bins', description: 'Bins.', default: null, minimum: 2 },
  multiply: { kind: 'boolean', title: 'Multiply', description: 'Multiply.', default: true },
  method: {
    kind: 'choice',
    title: 'Method',
    description: 'Method.',
    default: 'gradient',
    choices: ['gradient', 'occlusion'],
  },
  layer: { kind: 'text', title: 'Layer', description: 'Layer.', default: null, format: 'address' },
  window: { kind: 'text', title: 'Window', description: 'Window.', default: '3', format: 'integers' },
} satisfies SettingsSchema;

function refusal(pair: string): { code: string; message: string } {
  try {
    parseSettings(schema, [pair]);
  } catch (error) {
    assert(error instanceof UserError);
    assert.equal(error.kind, 'input');
    return { code: error.code, message: error.message };
  }
  return assert.fail(`${pair} was accepted`);
}

describe('settings', () => {
  it('reads every kind and lets the last one win', () => {
    const values = parseSettings(schema, [
      'steps=10',
      'steps=1e2',
      'epsilon=.5',
      'bins=null',
      'multiply=false',
      'method=occlusion',
      'layer=features.3[42]=x',
      'window=3, 5',
    ]);
    assert.deepEqual(values, {
      steps: 100,
      epsilon: 0.5,
      bins: null,
      multiply: false,
      method: 'occlusion',
      layer: 'features.3[42]=x',
      window: '3, 5',
    });
  });

  it('fills in the defaults', () => {
    assert.deepEqual(completeSettings(schema, { steps: 7 }), {
      steps: 7,
      epsilon: 1e-3,
      bins: null,
      multiply: true,
      method: 'gradient',
      layer: null,
      window: '3',
    });
  });

  it('suggests the nearest name for an unknown setting', () => {
    const { code, message } = refusal('step=3');
    assert.equal(code, 'unknown-setting');
    assert.match(message, /Did you mean "steps"/);
  });

  it('is not fooled by names of Object.prototype', () => {
    assert.equal(refusal('constructor=1').code, 'unknown-setting');
    assert.equal(refusal('__proto__=1').code, 'unknown-setting');
  });

  const refused = [
    ['steps=0', 'an integer from 1 to 1000'],
    ['steps=1001', 'an integer from 1 to 1000'],
    ['steps=2.5', 'an integer from 1 to 1000'],
    ['steps=ten', 'an integer from 1 to 1000'],
    ['steps=', 'an integer from 1 to 1000'],
    ['steps=null', 'an integer from 1 to 1000'],
    ['steps=0x10', 'an integer from 1 to 1000'],
    ['steps=Infinity', 'an integer from 1 to 1000'],
    ['epsilon=0', 'a number between 0 and 1, both excluded'],
    ['epsilon=NaN', 'a number between 0 and 1, both excluded'],
    ['bins=1', 'an integer of at least 2'],
    ['multiply=yes', 'true or false'],
    ['method=gradent', 'one of gradient, occlusion'],
    ['window=3x3', 'integers separated by commas'],
  ] as const;
  for (const [pair, allowed] of refused) {
    it(`refuses ${pair} with the allowed values`, () => {
      const { code, message } = refusal(pair);
      assert.equal(code, 'bad-setting');
      assert(message.includes(allowed), message);
    });
  }

  it('asks for key=value', () => {
    assert.equal(refusal('steps').code, 'bad-setting');
    assert.equal(refusal('=3').code, 'bad-setting');
  });

  it('refuses what the choices made have no use for, but not a default', () => {
    const dependent = {
      ...schema,
      window: { ...schema.window, appliesWhen: [{ method: ['occlusion'] }, { multiply: ['false'] }] },
    } as const satisfies SettingsSchema;
    assert.throws(
      () => completeSettings(dependent, { window: '5' }),
      (error) =>
        error instanceof UserError &&
        error.code === 'setting-not-used' &&
        error.message ===
          'method=gradient has no use for window=5. Leave it out, or set method to occlusion, or multiply to false.',
    );
    assert.equal(completeSettings(dependent, { window: schema.window.default })['method'], 'gradient');
    assert.equal(completeSettings(dependent, { window: '5', method: 'occlusion' })['window'], '5');
    assert.equal(completeSettings(dependent, { window: '5', multiply: false })['window'], '5');
  });

  it('checks values that came as JSON too', () => {
    assert.throws(() => completeSettings(schema, { steps: '7' }), UserError);
    assert.throws(() => completeSettings(schema, { multiply: null }), UserError);
    assert.throws(() => completeSettings(schema, { other: 1 }), UserError);
  });
});
