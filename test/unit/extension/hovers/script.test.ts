import assert from 'node:assert/strict';
import { HoverReader } from '../../../support/hoverReader.js';
import { layer, layerTableOf } from '../../../support/layerTableOf.js';

const table = layerTableOf([
  layer('features.3', { kind: 'conv', operator: 'Conv', unitCount: 64, shape: ['N', 64, 14, 14] }),
  layer('fc1', { unitCount: 256, shape: ['N', 256] }),
  layer('classifier', { unitCount: 10, shape: ['N', 10] }),
]);

const cases: readonly (readonly [code: string, found: string])[] = [
  ["acts['features.3'][0][‸42]", 'features.3[42]'],
  ["acts['features.3'][0][‸42][3][4]", 'features.3[42]'],
  ["acts['fea‸tures.3'][0][42]", 'features.3[42]'],
  ["acts['features.3'][‸42]", 'features.3'],
  ["acts['fea‸tures.3'][0][i]", 'features.3'],
  ['acts?.["fc1"]![0][‸42]', 'fc1[42]'],
  ['acts[`fc1`][0][‸42]', 'fc1[42]'],
  ['acts[`fc‸${n}`][0][42]', ''],
  ["acts.get('fc1')[0][‸42]", 'fc1[42]'],
  ["(acts['fc1'] as number[][])[0][‸42]", 'fc1[42]'],
  ["model.getLayer('f‸c1')", 'fc1'],
  ["model.getLayer('fc1').output[0][‸7]", 'fc1[7]'],
  ['this.fc1.kernel[0][‸42]', 'fc1[42]'],
  ['this.fc1.weight[‸42]', 'fc1[42]'],
  ['model.features[3].weight[‸42]', 'features.3[42]'],
  ['const f = model.features; f[‸3].weight[42]', 'features.3[42]'],
  ['const f = load(); f[‸3].weight[42]', ''],
  // Arrays do not count from the end: the layer is all that can be told.
  ["acts['fc1'][0][‸-1]", 'fc1'],
  ["acts['fc1'][0][-‸1]", 'fc1'],
  ["const d = tf.layers.den‸se({ units: 256, name: 'fc1' })", 'fc1'],
  ["const d = tf.layers.dense({ units: 256, name: 'f‸c1' })", 'fc1'],
  ["const d = tf.layers.dense({ units: 256, name: 'classi‸fier' })", 'classifier'],
  ["const d = tf.layers.dense({ units: 256, kind: 'classi‸fier' })", ''],
  ['class Net { f‸c1 = dense(256); }', 'fc1'],
  ['class Net { constructor() { this.f‸c1 = dense(256); } }', 'fc1'],
  ['class Net { run(x) { return this.f‸c1(x); } }', 'fc1'],
  ["const s = 'fc1[‸7]'", 'fc1[7]'],
  ['// dead: fc‸1[7]', 'fc1[7]'],
  ['/* dead: fc‸1[7] */', 'fc1[7]'],
  ['items[‸42]', ''],
  ["config['classi‸fier']", ''],
  ["import * as nets from 'nets';\nnets.fc‸1", ''],
];

describe('a hover in TypeScript and JavaScript', () => {
  const reader = new HoverReader(table);
  const isTyped = /!\[| as /u;
  for (const [code, found] of cases) {
    it(`${found === '' ? 'finds nothing' : `finds ${found}`} at ${code.replaceAll('\n', '⏎')}`, async () => {
      const languages = [
        'typescript',
        'typescriptreact',
        ...(isTyped.test(code) ? [] : ['javascript', 'javascriptreact']),
      ];
      for (const language of languages) assert.equal(await reader.at(language, code), found, language);
    });
  }

  it('reads components', async () => {
    assert.equal(await reader.at('typescriptreact', "const a = <b>{acts['fc1'][0][‸1]}</b>;"), 'fc1[1]');
    assert.equal(await reader.at('javascriptreact', "const a = <b>{acts['fc1'][0][‸1]}</b>;"), 'fc1[1]');
  });

  it('reads generic functions, which components cannot hold', async () => {
    assert.equal(await reader.at('typescript', "const f = <T>(x: T) => acts['fc1'][0][‸1];"), 'fc1[1]');
  });
});
