import assert from 'node:assert/strict';
import fc from 'fast-check';
import { UserError } from '../../../src/base/errors.js';
import { type Address, formatAddress, parseAddress, resolveAddress } from '../../../src/onnx/addresses.js';
import { layer, layerTableOf } from '../../support/layerTableOf.js';

const conv = layer('features.3', {
  kind: 'conv',
  operator: 'Conv',
  path: '/features/features.3/Conv',
  unitCount: 64,
  shape: ['N', 64, 14, 14],
  output: 'conv_out',
  states: { kind: 'activation', layer: 'features.4' },
});
const relu = layer('features.4', {
  kind: 'activation',
  operator: 'Relu',
  shape: ['N', 64, 14, 14],
  unitCount: 64,
});
const table = layerTableOf(
  [
    conv,
    relu,
    layer('enc', {
      kind: 'scope',
      output: 'first',
      furtherOutputs: ['second'],
      unitAxis: null,
      unitCount: null,
    }),
    layer('blocks.3', { kind: 'scope', unitAxis: null, unitCount: null, shape: null }),
    layer('tokens', { unitAxis: 2, unitCount: 32, shape: ['N', 'T', 32] }),
    layer('odd [name] "x" \\', {}),
    layer('fc', {}),
    layer('fc.head', { unitCount: 2, output: 'head_out' }),
    layer('twin', { path: '/shared/Conv', output: 'a' }),
    layer('twin_1', { path: '/shared/Conv', output: 'b' }),
    layer('open', { unitAxis: -1, unitCount: null, shape: null }),
  ],
  {
    mlps: [{ name: 'blocks.3.mlp', block: 3, hidden: 'gelu_out', unitCount: 128, downProjection: 'fc2' }],
    attentions: [{ name: 'blocks.3.attn', probabilities: 'softmax_out', headAxis: 1, headCount: 4 }],
  },
);

function refusal(text: string): UserError {
  try {
    resolveAddress(text, table);
  } catch (error) {
    assert.ok(error instanceof UserError, String(error));
    return error;
  }
  throw new Error(`${text} was accepted`);
}

describe('the grammar of addresses', () => {
  const name = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.stringMatching(/^[a-z0-9_./:]{1,12}$/),
    fc.constantFrom('a"b', 'a\\b', 'a:1', 'x:head', ' lead', 'new\nline', '', 'ünit', 'a[3]', 'a@b', '\\"'),
  );
  const coordinate = fc.integer({ min: -999, max: 999 });
  const tail = fc.record(
    {
      unit: fc.nat(999_999),
      position: fc.array(coordinate, { minLength: 1, maxLength: 3 }),
    },
    { requiredKeys: [] },
  );
  const behindColon = fc.oneof(
    fc.constant({}),
    fc.record({ selector: fc.constantFrom('head', 'expert', 'hidden', 'act') }),
    fc.record({ output: fc.nat(99) }),
  );

  it('reads back every address that it prints', () => {
    fc.assert(
      fc.property(name, behindColon, tail, (layerName, colon, rest) => {
        const address = { layer: layerName, ...colon, ...rest } as Address;
        assert.deepEqual(parseAddress(formatAddress(address)), address);
      }),
      { numRuns: 2000, seed: 7 },
    );
  });

  it('quotes names with brackets, at signs, quotes and white space, and no others', () => {
    assert.equal(formatAddress({ layer: 'features.3', unit: 42 }), 'features.3[42]');
    assert.equal(formatAddress({ layer: '/a/b:0/Conv', unit: 1 }), '/a/b:0/Conv[1]');
    assert.equal(formatAddress({ layer: 'a b', position: [1, 2] }), '"a b"@1,2');
    assert.equal(formatAddress({ layer: 'a"\\[', unit: 0 }), '"a\\"\\\\["[0]');
  });

  it('reads every form of the contract', () => {
    assert.deepEqual(parseAddress('conv1[3]@7,9'), { layer: 'conv1', unit: 3, position: [7, 9] });
    assert.deepEqual(parseAddress('x[3]@1,2,3'), { layer: 'x', unit: 3, position: [1, 2, 3] });
    assert.deepEqual(parseAddress('h[3]@-1'), { layer: 'h', unit: 3, position: [-1] });
    assert.deepEqual(parseAddress('a:head[2]'), { layer: 'a', selector: 'head', unit: 2 });
    assert.deepEqual(parseAddress('enc:1'), { layer: 'enc', output: 1 });
    assert.deepEqual(parseAddress('"my block".head[1]'), { layer: 'my block.head', unit: 1 });
    assert.deepEqual(parseAddress('blocks.3.mlp.hook_post[..., 42]'), {
      layer: 'blocks.3.mlp.hook_post',
      unit: 42,
    });
  });

  it('refuses what is no address and says why', () => {
    for (const [text, reason] of [
      ['', /names no layer/],
      ['[3]', /names no layer/],
      ['a[-1]', /count from 0/],
      ['a[1.5]', /whole number/],
      ['a[1][2]', /whole number/],
      ['a[..., 3]', /hook_post/],
      ['a@x', /whole numbers/],
      ['a b[1]', /double quotes/],
      ['"a', /does not end/],
      ['"a\\n"', /backslash/],
    ] as const) {
      assert.throws(
        () => parseAddress(text),
        (error) => {
          assert.ok(error instanceof UserError && error.code === 'malformed-address');
          assert.match(error.message, reason);
          return true;
        },
      );
    }
  });
});

describe('resolving addresses', () => {
  it('finds value, unit axis, unit and position of a neuron', () => {
    const found = resolveAddress('features.3[42]@7,-1', table);
    assert.equal(found.value, 'conv_out');
    assert.equal(found.layer, conv);
    assert.deepEqual([found.unitAxis, found.unit, found.position], [1, 42, [7, -1]]);
    assert.deepEqual(found.positionAxes, [2, 3]);
    assert.equal(found.address, 'features.3[42]@7,-1');
  });

  it('puts positions on the token axis when units are last', () => {
    assert.deepEqual(resolveAddress('tokens[5]@-1', table).positionAxes, [1]);
  });

  it("accepts the exporter's path and prints the layer's name", () => {
    assert.equal(resolveAddress('/features/features.3/Conv[1]', table).address, 'features.3[1]');
  });

  it('takes the longest layer name, and the keyword behind a colon', () => {
    assert.equal(resolveAddress('fc.head[1]', table).value, 'head_out');
    assert.equal(refusal('fc:head[1]').code, 'nothing-selected');
    assert.equal(resolveAddress('odd [name] "x" \\[2]', table).unit, 2);
    assert.equal(resolveAddress('"odd [name] \\"x\\" \\\\"[2]', table).layer?.name, 'odd [name] "x" \\');
  });

  it('finds heads on the probabilities and hidden units on the value before the down projection', () => {
    for (const text of ['blocks.3.attn.head[2]', 'blocks.3.attn:head[2]', 'blocks.3.head[2]']) {
      const head = resolveAddress(text, table);
      assert.deepEqual([head.value, head.unitAxis, head.unit], ['softmax_out', 1, 2]);
      assert.equal(head.address, 'blocks.3.attn.head[2]');
    }
    for (const text of ['blocks.3.mlp.hidden[42]', 'L3N42', 'blocks.3.mlp.hook_post[..., 42]']) {
      const hidden = resolveAddress(text, table);
      assert.deepEqual([hidden.value, hidden.unitAxis, hidden.unit], ['gelu_out', -1, 42]);
      assert.equal(hidden.address, 'blocks.3.mlp.hidden[42]');
    }
    assert.deepEqual(resolveAddress('blocks.3.attn.head[2]@-1,0', table).positionAxes, [2, 3]);
  });

  it('reads .act as the activation that judges a layer where no layer has that name', () => {
    assert.equal(resolveAddress('features.3.act[1]', table).name, 'features.4');
    assert.match(refusal('fc.act[1]').message, /feeds an Add/);
  });

  it('numbers the outputs of scopes', () => {
    assert.equal(resolveAddress('enc', table).value, 'first');
    assert.equal(resolveAddress('enc:1', table).value, 'second');
    assert.match(refusal('enc:2').message, /outputs 0 to 1/);
    assert.match(refusal('fc:1').message, /one output/);
  });

  it('says why a unit or position is refused', () => {
    assert.match(refusal('features.3[64]').message, /it has 64 \(0 to 63\)/);
    assert.match(refusal('blocks.3.attn.head[4]').message, /it has 4/);
    assert.match(refusal('L3N128').message, /it has 128/);
    assert.match(refusal('L4N1').message, /blocks 3/);
    assert.match(refusal('enc[0]').message, /no units.*layer inside/);
    assert.match(refusal('features.3[0]@3').message, /2 coordinates/);
    assert.match(refusal('features.3[0]@14,0').message, /14 elements/);
    assert.match(refusal('fc[0]@3').message, /no positions/);
    assert.match(refusal('fc.expert[0]').message, /mixture of experts/);
    assert.match(refusal('/shared/Conv[0]').message, /twin, twin_1/);
  });

  it('asks which block is meant when a number fits two', () => {
    const mlp = { block: 0, hidden: 'h', unitCount: 8, downProjection: 'd' };
    const two = layerTableOf([], {
      mlps: [
        { ...mlp, name: 'enc.0' },
        { ...mlp, name: 'dec.0' },
      ],
    });
    assert.throws(() => resolveAddress('L0N1', two), /enc\.0.*dec\.0/);
  });

  it('names the nearest layers when there is none of that name', () => {
    assert.match(refusal('featurs.3[1]').message, /Did you mean "features.3"/);
    assert.equal(refusal('featurs.3[1]').code, 'unknown-layer');
    assert.match(refusal('attn.head[1]').message, /Did you mean "blocks.3.attn"/);
    assert.match(refusal('zzz').message, /"inspect" lists/);
  });

  it('leaves units open where their number is', () => {
    const open = resolveAddress('open[1000]@3,4', table);
    assert.deepEqual([open.unit, open.positionAxes], [1000, null]);
  });
});
