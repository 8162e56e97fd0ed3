import assert from 'node:assert/strict';
import type { CodeContext } from '../../../../src/extension/hovers/resolveReference.js';
import { HoverReader } from '../../../support/hoverReader.js';
import { layer, layerTableOf } from '../../../support/layerTableOf.js';

const conv = (name: string, unitCount = 64): ReturnType<typeof layer> =>
  layer(name, { kind: 'conv', operator: 'Conv', unitCount, shape: ['N', unitCount, 14, 14] });
const scope = (name: string): ReturnType<typeof layer> =>
  layer(name, { kind: 'scope', operator: '', unitAxis: null, unitCount: null, shape: null });

/** A network of every kind that code writes differently about. */
const table = layerTableOf(
  [
    scope('features'),
    conv('features.0', 16),
    layer('features.1', { kind: 'activation', operator: 'Relu', unitCount: 16, shape: ['N', 16, 14, 14] }),
    conv('features.3'),
    layer('fc1', { unitCount: 256, shape: ['N', 256] }),
    layer('classifier', { unitCount: 10, shape: ['N', 10] }),
    layer('tokens', { unitAxis: 2, unitCount: 32, shape: ['N', 'T', 32] }),
    layer('open', { unitAxis: -1, unitCount: 8, shape: null }),
    layer('up', { kind: 'conv', operator: 'ConvTranspose', unitCount: 6, shape: ['N', 6, 28, 28] }),
    layer('embed1', {
      kind: 'embedding',
      operator: 'Gather',
      unitAxis: 2,
      unitCount: 16,
      shape: ['N', 'T', 16],
    }),
    layer('norm1', {
      kind: 'normalization',
      operator: 'BatchNormalization',
      unitCount: 16,
      shape: ['N', 16, 14, 14],
    }),
    layer('lstm1', {
      kind: 'recurrent',
      operator: 'LSTM',
      unitAxis: 3,
      unitCount: 5,
      shape: ['T', 1, 'N', 5],
      batchAxis: 2,
    }),
    layer('blocks.3.mlp.down', { unitAxis: 2, unitCount: 8, shape: ['N', 'T', 8] }),
    scope('head'),
  ],
  {
    mlps: [
      { name: 'blocks.3.mlp', block: 3, hidden: 'gelu', unitCount: 128, downProjection: 'blocks.3.mlp.down' },
    ],
  },
);

describe('a hover in Python', () => {
  const reader = new HoverReader(table);

  function cases(rows: readonly (readonly [code: string, found: string])[]): void {
    for (const [code, found] of rows) {
      it(`${found === '' ? 'finds nothing' : `finds ${found}`} at ${code.replaceAll('\n', '⏎')}`, async () => {
        assert.equal(await reader.at('python', code), found);
      });
    }
  }

  describe('on an activation', () => {
    cases([
      ['acts["features.3"][:, ‸42]', 'features.3[42]'],
      ['acts["fea‸tures.3"][:, 42]', 'features.3[42]'],
      ['acts["features.3"][‸:, 42]', 'features.3[42]'],
      ["acts['features.3'][0, ‸42, 3, 4]", 'features.3[42]'],
      ['acts["features.3"][..., ‸42, 3, 4]', 'features.3[42]'],
      // The last axis of a map is no unit: a position is chosen of every channel.
      ['acts["features.3"][..., ‸42]', 'features.3'],
      ['acts["features.3"][0][‸42]', 'features.3[42]'],
      ['acts["features.3"][:][0, ‸42]', 'features.3[42]'],
      ['acts["features.3"][None, :, ‸42]', 'features.3[42]'],
      ['acts["features.3"][0:2][:, ‸42]', 'features.3[42]'],
      // One index counts samples.
      ['acts["features.3"][‸42]', 'features.3'],
      ['acts["tokens"][:, :, ‸17]', 'tokens[17]'],
      ['acts["tokens"][..., ‸17]', 'tokens[17]'],
      ['acts["tokens"][0, ‸17]', 'tokens'],
      ['batch["tokens"][:, :, ‸17]', ''],
      ['acts["fc1"][0, ‸255]', 'fc1[255]'],
      ['acts["fc1"][:, ‸-1]', 'fc1[255]'],
      ['acts["fc1"][:, -‸256]', 'fc1[0]'],
      ['acts["fc1"].detach().cpu().numpy()[:, ‸42]', 'fc1[42]'],
      ['acts.get("fc1")[:, ‸42]', 'fc1[42]'],
      ['model(x)["fc1"][:, ‸42]', 'fc1[42]'],
      ['cache["blocks.3.mlp.hook_post"][..., ‸17]', 'blocks.3.mlp.hidden[17]'],
      ['cache["blocks.3.mlp.hook_post"][0, -1, ‸17]', 'blocks.3.mlp.hidden[17]'],
      ['acts["open"][..., ‸7]', 'open[7]'],
      // Without a rank nobody knows which axis is last.
      ['acts["open"][0, ‸7]', 'open'],
      ['acts["lstm1"][-1, 0, :, ‸4]', 'lstm1[4]'],
      ['self.fc1(x)[:, ‸42]', 'fc1[42]'],
      ['model.features[3](x)[0, ‸42]', 'features.3[42]'],
      ['model.get_layer("fc1").output[:, ‸42]', 'fc1[42]'],
    ]);
  });

  describe('on an activation whose unit is not written down', () => {
    cases([
      ['acts["features.3"][:, ‸i]', ''],
      ['acts["fea‸tures.3"][:, i]', 'features.3'],
      ['acts["features.3"][:, ‸1:3]', 'features.3'],
      ['acts["fea‸tures.3"][:, [1, 2]]', 'features.3'],
      ['acts["fea‸tures.3"][mask, 3]', 'features.3'],
      ['acts["fea‸tures.3"].mean(0)', 'features.3'],
      ['acts["features.3"].mean(0)[‸3]', ''],
      ['acts["fea‸tures.3"][0, 1, 2, 3, 4]', 'features.3'],
      ['acts[na‸me][:, 42]', ''],
      ['acts[name][:, ‸42]', ''],
    ]);
  });

  it('says which unit is missing where the layer is smaller', async () => {
    const pointed = await reader.point('python', 'acts["fc1"][:, ‸256]');
    assert.deepEqual([pointed.found, pointed.missingUnit], ['fc1', 256]);
    const negative = await reader.point('python', 'acts["fc1"][:, ‸-257]');
    assert.deepEqual([negative.found, negative.missingUnit], ['fc1', -257]);
    const text = await reader.point('python', 'x = "fc‸1[256]"');
    assert.deepEqual([text.found, text.missingUnit], ['fc1', 256]);
  });

  describe('on a weight', () => {
    cases([
      ['model.features[3].weight[‸42]', 'features.3[42]'],
      ['model.features[3].wei‸ght[42]', 'features.3[42]'],
      ['model.fea‸tures[3].weight[42]', 'features.3[42]'],
      ['model.fc1.weight[‸42, :]', 'fc1[42]'],
      ['model.fc1.weight[42, ‸:]', 'fc1[42]'],
      // Columns are inputs.
      ['model.fc1.weight[:, ‸42]', 'fc1'],
      ['self.fc1.bias[‸3]', 'fc1[3]'],
      ['self.fc1.bias[‸-1]', 'fc1[255]'],
      ['model.fc1.weight.grad[‸42]', 'fc1[42]'],
      ['model.fc1.weight.data.abs()[‸42]', 'fc1[42]'],
      ['model.fc1.weight.data.sum(0)[‸42]', ''],
      ['net.up.weight[:, ‸5]', 'up[5]'],
      ['net.up.weight[‸5]', 'up'],
      ['model.embed1.weight[:, ‸5]', 'embed1[5]'],
      ['model.norm1.running_mean[‸5]', 'norm1[5]'],
      // Four gates share the rows.
      ['model.lstm1.weight[‸3]', 'lstm1'],
      ['state["features.3.weight"][‸42]', 'features.3[42]'],
      ['state["fc1.kernel"][:, ‸42]', 'fc1[42]'],
      ['model.module.features[3].weight[‸42]', 'features.3[42]'],
      ['self.model.fc1.weight[‸42]', 'fc1[42]'],
      ['(model.fc1).weight[‸42]', 'fc1[42]'],
      ['build().features[3].weight[‸42]', 'features.3[42]'],
    ]);
  });

  describe('on a module', () => {
    cases([
      ['model.features[‸3]', 'features.3'],
      ['model.fea‸tures[3]', 'features.3'],
      ['x = self.f‸c1(self.flatten(x))', 'fc1'],
      ['model.get_submodule("features.‸3")', 'features.3'],
      ['model.classi‸fier', 'classifier'],
      ['f = model.features\nprint(f[‸3])', 'features.3'],
      ['f = model.features\ndef g():\n  h = f\n  return h[3].weight[‸42]', 'features.3[42]'],
      ['with no_grad():\n  f = model.features\n  f[3].weight[‸42]', 'features.3[42]'],
      // Another value since.
      ['f = model.features\nf = load()\nf[‸3]', ''],
      ['f = model.features(x)\nf[‸3]', ''],
      // Pooling is no layer: its number names nothing.
      ['model.features[‸2]', ''],
      ['model.features[‸-1]', ''],
      ['model.features[i‸]', ''],
      ['mo‸del.features[3]', ''],
    ]);
  });

  describe('on a definition', () => {
    cases([
      ['self.f‸c1 = nn.Linear(784, 256)', 'fc1'],
      ['self.fc1 = nn.Lin‸ear(784, 256)', ''],
      ['self.fc1 = nn.Linear(784, ‸256)', ''],
      ['self.features = nn.Sequential(nn.Con‸v2d(1, 16, 3), nn.ReLU())', 'features.0'],
      ['self.features = nn.Sequential(\n  # first\n  nn.Conv2d(1, 16, 3),\n  n‸n.ReLU(),\n)', 'features.1'],
      ['self.features = nn.Sequential(nn.Conv2d(‸1, 16, 3))', ''],
      ['self.features = nn.Sequential(nn.Conv2d(1, 16, 3), nn.ReLU(), nn.MaxPo‸ol2d(2))', ''],
      ['self.features = nn.Sequential(*first, nn.Re‸LU())', ''],
      ['self.features = nn.ModuleList([nn.Conv2d(1, 2, 3), nn.Re‸LU()])', 'features.1'],
      ['model.features = nn.Sequential(nn.Con‸v2d(1, 16, 3))', 'features.0'],
      ['features = nn.Sequential(nn.Con‸v2d(1, 16, 3))', ''],
      ['x = layers.Den‸se(256, name="fc1")(x)', 'fc1'],
      ['x = layers.Dense(256, name="f‸c1")(x)', 'fc1'],
      ['x = layers.Dense(256, name="classi‸fier")(x)', 'classifier'],
      ['self.add_module("classi‸fier", nn.Linear(1, 2))', 'classifier'],
    ]);

    it('finds elements of containers with keys, at the key and at what it names', async () => {
      const keyed = new HoverReader(
        layerTableOf([layer('stem.conv'), layer('heads.left'), layer('1'), layer('0.1')]),
      );
      const at = (code: string): Promise<string> => keyed.at('python', code);
      assert.equal(
        await at('self.stem = nn.Sequential(OrderedDict([("co‸nv", nn.Conv2d(1, 2, 3))]))'),
        'stem.conv',
      );
      assert.equal(
        await at('self.stem = nn.Sequential(OrderedDict([("conv", nn.Con‸v2d(1, 2, 3))]))'),
        'stem.conv',
      );
      assert.equal(await at('self.heads = nn.ModuleDict({"left": nn.Lin‸ear(1, 2)})'), 'heads.left');
      assert.equal(await at('self.heads["left"].wei‸ght[3]'), 'heads.left[3]');
      assert.equal(await at('net = nn.Sequential(nn.Flatten(), nn.Lin‸ear(4, 4))'), '1');
      assert.equal(await at('net = nn.Sequential(nn.Sequential(nn.ReLU(), nn.Lin‸ear(4, 4)))'), '0.1');
    });
  });

  describe('on a class that is used several times', () => {
    const names = [
      'conv1',
      'bn1',
      'layer1.0.conv1',
      'layer1.0.conv2',
      'layer1.1.conv1',
      'layer1.1.conv2',
      'fc',
    ];
    const resnet = new HoverReader(layerTableOf(names.map((name) => layer(name))));
    const code = (marked: string): string => `
class Block(nn.Module):
  def __init__(self):
    self.conv1 = nn.Conv2d(1, 2, 3)
    self.conv2 = nn.Conv2d(2, 2, 3)
  def forward(self, x):
    return ${marked === 'block' ? 'self.con‸v1(x)' : 'x'}
class Net(nn.Module):
  def __init__(self):
    self.conv1 = nn.Conv2d(1, 2, 3)
    self.bn1 = nn.BatchNorm2d(2)
    self.layer1 = nn.Sequential(Block(), Block())
    self.fc = nn.Linear(2, 2)
  def forward(self, x):
    return ${marked === 'net' ? 'self.con‸v1(x)' : 'x'}
`;

    it('finds all of its layers, not the one of the same name elsewhere', async () => {
      assert.equal(await resnet.at('python', code('block')), 'layer1.0.conv1, layer1.1.conv1');
      assert.equal(await resnet.at('python', code('net')), 'conv1');
    });

    it('believes the inspect file about the class of the whole model, and about a member', async () => {
      const whole: CodeContext = { className: 'Block' };
      assert.equal(await resnet.at('python', code('block'), { context: whole }), 'conv1');
      const tied: CodeContext = { layerBySymbol: new Map([['Block.conv1', 'layer1.1.conv1']]) };
      assert.equal(await resnet.at('python', code('block'), { context: tied }), 'layer1.1.conv1');
    });
  });

  describe('on text', () => {
    cases([
      ['x = "features.3[‸42]"', 'features.3[42]'],
      ["x = 'fea‸tures.3'", 'features.3'],
      ['x = "see fea‸tures.3[42], fc1[7]"', 'features.3[42]'],
      ['x = "see features.3[42], fc‸1[7]."', 'fc1[7]'],
      ['"""Dead:\n  fc‸1[7]\n"""', 'fc1[7]'],
      ['# watch fc‸1[7]!', 'fc1[7]'],
      ['# watch the fi‸rst layer', ''],
      ['x = "L3N‸42"', 'blocks.3.mlp.hidden[42]'],
      ['probe(L3N‸42)', 'blocks.3.mlp.hidden[42]'],
      ['x = "blocks.3.mlp.hook_post[..., ‸17]"', 'blocks.3.mlp.hidden[17]'],
      // Words of the language name no layer, whatever a model calls its own.
      ['x = "classi‸fier"', ''],
      ['x = "classi‸fier[3]"', 'classifier[3]'],
      ['x = f"features.‸3 {x}"', ''],
      ['x = f"{x} features.3[‸42]"', ''],
      ['x = f"features.‸3"', 'features.3'],
      ['x = b"features.‸3"', ''],
      ['x = "no_such.‸3[42]"', ''],
    ]);
  });

  describe('on anything else', () => {
    cases([
      ['ite‸ms[42]', ''],
      ['items[‸42]', ''],
      ['features[‸3]', ''],
      ['args.hea‸d', ''],
      ['batch.features[‸0]', 'features.0'],
      ['batch.fea‸tures', ''],
      ['np.fc1[‸3]', ''],
      ['import thing as t\nt.fc‸1', ''],
      ['x.fc1.append(‸3)', ''],
      ['‸', ''],
      ['def (‸', ''],
      ['x = [1, ‸2, 3]', ''],
    ]);
  });
});
