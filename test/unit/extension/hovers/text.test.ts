import assert from 'node:assert/strict';
import { HoverReader } from '../../../support/hoverReader.js';
import { layer, layerTableOf } from '../../../support/layerTableOf.js';

const table = layerTableOf(
  [
    layer('features.3', {
      kind: 'conv',
      operator: 'Conv',
      path: '/features/features.3/Conv',
      unitCount: 64,
      shape: ['N', 64, 14, 14],
    }),
    layer('fc1', { unitCount: 256 }),
    layer('classifier', { unitCount: 10 }),
    layer('my layer'),
    layer('my-block/dense:0'),
    layer('attn', { kind: 'scope', unitAxis: null, unitCount: null }),
  ],
  {
    mlps: [{ name: 'blocks.3.mlp', block: 3, hidden: 'gelu', unitCount: 128, downProjection: 'fc2' }],
    attentions: [{ name: 'attn', probabilities: 'p', headAxis: 1, headCount: 4 }],
  },
);
const reader = new HoverReader(table);

function cases(languageId: string, rows: readonly (readonly [text: string, found: string])[]): void {
  for (const [text, found] of rows) {
    it(`${found === '' ? 'finds nothing' : `finds ${found}`} at ${text.replaceAll('\n', '⏎')}`, async () => {
      assert.equal(await reader.at(languageId, text), found);
    });
  }
}

describe('a hover in Markdown', () => {
  cases('markdown', [
    ['Look at features.3[‸42].', 'features.3[42]'],
    ['Look at ‸features.3[42]: it is dead.', 'features.3[42]'],
    ['Look at features.3[42]@7,‸7 and fc1.', 'features.3[42]@7,7'],
    ['(fc‸1[7])', 'fc1[7]'],
    ['**fc‸1**', 'fc1'],
    ['fc1–fc‸1[3]', 'fc1[3]'],
    ['fc1/features.‸3', 'features.3'],
    ['fc1-features.‸3[4]', 'features.3[4]'],
    ['/features/features.3/Con‸v[1]', 'features.3[1]'],
    ['my-block/den‸se:0[1]', '"my-block/dense:0"[1]'],
    ['"my lay‸er"[2]', '"my layer"[2]'],
    ['attn.head[‸2]', 'attn.head[2]'],
    ['attn:head[‸2]', 'attn.head[2]'],
    ['L3N‸42', 'blocks.3.mlp.hidden[42]'],
    ['blocks.3.mlp.hook_post[..., 1‸7]', 'blocks.3.mlp.hidden[17]'],
    ['fc1.a‸ct', ''],
    // Plain words are words, in text; in code they may be names.
    ['The classi‸fier is fine.', ''],
    ['The `classi‸fier` is fine.', 'classifier'],
    ['The `my lay‸er` is fine.', '"my layer"'],
    ['Run `see fc‸1[7] --all`.', 'fc1[7]'],
    ['Run ``see ` fc‸1[7]``.', 'fc1[7]'],
    ['Items[‸42] of the list', ''],
    ['fc1[‸a]', ''],
    ['fc‸1[a]', 'fc1'],
    ['version 3.‸4.5', ''],
  ]);

  it('reads fenced code by its language, and other fences as text', async () => {
    const fenced = (language: string, code: string): string => `# T\n\n~~~${language}\n${code}\n~~~\n\nend\n`;
    assert.equal(await reader.at('markdown', fenced('python', 'model.fc1.weight[‸7]')), 'fc1[7]');
    assert.equal(await reader.at('markdown', fenced('py {.x}', 'model.fc1.weight[‸7]')), 'fc1[7]');
    assert.equal(await reader.at('markdown', fenced('ts', "acts['fc1'][0][‸7]")), 'fc1[7]');
    assert.equal(await reader.at('markdown', fenced('text', 'fc1[‸7]')), 'fc1[7]');
    assert.equal(await reader.at('markdown', fenced('', 'model.fc1.weight[‸7]')), '');
    assert.equal(await reader.at('markdown', `${fenced('python', 'x = 1')}fc1[‸7]`), 'fc1[7]');
    assert.equal(await reader.at('markdown', '```python\nmodel.fc1.weight[‸7]'), 'fc1[7]');
    assert.equal(await reader.at('markdown', '````python\n```\nmodel.fc1.weight[‸7]\n````'), 'fc1[7]');
  });

  it('says where in the document the address is', async () => {
    assert.equal(
      (await reader.point('markdown', 'See fc1[7]‸@ and'.replace('[7]‸@', '[‸7],'))).text,
      'fc1[7]',
    );
    assert.equal(
      (await reader.point('markdown', 'a\n```py\nmodel.fc1.weight[‸7]\n```')).text,
      'fc1.weight[7]',
    );
  });

  it('looks only around the position in lines that never end', async () => {
    const long = 'word '.repeat(100_000);
    const start = process.cpuUsage();
    assert.equal(await reader.at('markdown', `${long}fc1[‸7] ${long}`), 'fc1[7]');
    // 1 MB; a search of the whole line takes seconds.
    assert.ok(process.cpuUsage(start).user < 1e6);
  });
});

describe('a hover in JSON', () => {
  cases('json', [
    ['{"neuron": "features.3[‸42]"}', 'features.3[42]'],
    ['{"fea‸tures.3": 1}', 'features.3'],
    ['{"note": "dead: fc‸1[7], and more"}', 'fc1[7]'],
    ['{"layer": "classi‸fier"}', ''],
    ['{"layer": "classi‸fier[3]"}', 'classifier[3]'],
    ['{"layer": "\\"my layer\\"[‸2]"}', '"my layer"[2]'],
    ['{"a": "x\\"", "b": "fc‸1"}', 'fc1'],
    ['{"a": fc‸1}', ''],
    ['{"a" ‸: "fc1"}', ''],
    ['{"fc1": [4‸2]}', ''],
    ['{"a": "fc‸1\n', ''],
  ]);

  it('reads documents with comments, and finds plain words in documents that name layers', async () => {
    assert.equal(await reader.at('jsonc', '{"a": "fc‸1[7]"}'), 'fc1[7]');
    const named = '{"code": {"layers": {"classi‸fier": "train.py:Net.classifier"}}}';
    assert.equal(await reader.at('json', named, { path: '/home/ana/net.inspect.json' }), 'classifier');
    assert.equal(await reader.at('json', named, { path: '/home/ana/other.json' }), '');
  });

  it('takes no longer in one line of megabytes', async () => {
    const long = '"0123456789",'.repeat(200_000);
    const start = process.cpuUsage();
    assert.equal(await reader.at('json', `[${long}"fc1[‸7]"]`), 'fc1[7]');
    assert.ok(process.cpuUsage(start).user < 1e6);
  });
});
