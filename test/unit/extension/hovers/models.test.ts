import assert from 'node:assert/strict';
import { codeContextOf } from '../../../../src/extension/hovers/codeContext.js';
import {
  hoverSubject,
  measuredLayerOf,
  type ReadModel,
} from '../../../../src/extension/hovers/hoverSubject.js';
import { type FittingModel, nearestFirst, pickModel } from '../../../../src/extension/hovers/pickModel.js';
import { resolveAddress } from '../../../../src/onnx/addresses.js';
import type { ModelStructure } from '../../../../src/protocol/structure.js';
import { layer, layerTableOf } from '../../../support/layerTableOf.js';

const place = { path: '/home/ana/a/train.py', folder: '/home/ana', chosen: undefined };
const fits = (...paths: string[]): FittingModel[] => paths.map((path) => ({ path, isTied: false }));

describe('the model that a document is about', () => {
  it('is the only one that fits, wherever it is', () => {
    assert.deepEqual(pickModel(fits('/else/x.onnx'), place), {
      kind: 'picked',
      path: '/else/x.onnx',
      why: 'only',
      others: [],
    });
    assert.equal(pickModel([], place), undefined);
  });

  it('is the one chosen for it, before all others, as long as it fits', () => {
    const models: FittingModel[] = [
      ...fits('/home/ana/a/x.onnx', '/home/ana/b/y.onnx'),
      { path: '/home/ana/z.onnx', isTied: true },
    ];
    const picked = pickModel(models, { ...place, chosen: '/home/ana/b/y.onnx' });
    assert.deepEqual(picked?.kind === 'picked' && [picked.path, picked.why, picked.others.length], [
      '/home/ana/b/y.onnx',
      'chosen',
      2,
    ]);
    const gone = pickModel(models, { ...place, chosen: '/home/ana/gone.onnx' });
    assert.deepEqual(gone?.kind === 'picked' && [gone.path, gone.why], ['/home/ana/z.onnx', 'tied']);
  });

  it('is the one that an inspect file ties it to, and asked for between two', () => {
    const tied = (path: string): FittingModel => ({ path, isTied: true });
    const one = pickModel([...fits('/home/ana/a/x.onnx'), tied('/home/ana/b/y.onnx')], place);
    assert.deepEqual(one?.kind === 'picked' && [one.path, one.why], ['/home/ana/b/y.onnx', 'tied']);
    assert.deepEqual(pickModel([...fits('/home/ana/a/x.onnx'), tied('/b'), tied('/c')], place), {
      kind: 'ask',
      paths: ['/b', '/c'],
    });
  });

  it('is the only one beside it, then the only one in its folder of the workspace', () => {
    const beside = pickModel(fits('/home/ana/a/x.onnx', '/home/ana/b/y.onnx'), place);
    assert.deepEqual(beside?.kind === 'picked' && [beside.path, beside.why], [
      '/home/ana/a/x.onnx',
      'beside',
    ]);
    const inside = pickModel(fits('/home/ana/b/y.onnx', '/workshop/z.onnx'), place);
    assert.deepEqual(inside?.kind === 'picked' && [inside.path, inside.why], [
      '/home/ana/b/y.onnx',
      'in-folder',
    ]);
  });

  it('is asked for otherwise, among those beside it when there are several', () => {
    assert.deepEqual(pickModel(fits('/home/ana/b/y.onnx', '/home/ana/c/z.onnx'), place), {
      kind: 'ask',
      paths: ['/home/ana/b/y.onnx', '/home/ana/c/z.onnx'],
    });
    assert.deepEqual(pickModel(fits('/home/ana/a/x.onnx', '/home/ana/a/y.onnx', '/home/ana/z.onnx'), place), {
      kind: 'ask',
      paths: ['/home/ana/a/x.onnx', '/home/ana/a/y.onnx'],
    });
  });

  it('is sought among the nearest first: more shared folders, then fewer of its own', () => {
    const paths = [
      '/other/x.onnx',
      '/home/ana/b/c/x.onnx',
      '/home/ana/a/x.onnx',
      '/home/ana/x.onnx',
      '/home/ana/a/out/x.onnx',
    ];
    assert.deepEqual(nearestFirst(paths, '/home/ana/a/train.py'), [
      '/home/ana/a/x.onnx',
      '/home/ana/a/out/x.onnx',
      '/home/ana/x.onnx',
      '/home/ana/b/c/x.onnx',
      '/other/x.onnx',
    ]);
  });
});

describe('what an inspect file says of code', () => {
  const link = {
    path: '/home/ana/a/net.inspect.json',
    modelPath: '/home/ana/a/net.onnx',
    hasData: true,
    dataPath: undefined,
    codePath: '/home/ana/a/train.py',
    code: {
      path: 'train.py',
      class: 'Net',
      layers: { fc1: 'train.py:Net.dense', conv: 'parts/stem.py:Stem.conv' },
    },
  };

  it('is the class of the model and the layers that the file names, for the file at hand', () => {
    const context = codeContextOf([link], '/home/ana/a/train.py', '/home/ana/a/net.onnx');
    assert.equal(context?.className, 'Net');
    assert.deepEqual([...(context.layerBySymbol ?? [])], [['Net.dense', 'fc1']]);
    const other = codeContextOf([link], '/home/ana/a/parts/stem.py', '/home/ana/a/net.onnx');
    assert.equal(other?.className, undefined);
    assert.deepEqual([...(other?.layerBySymbol ?? [])], [['Stem.conv', 'conv']]);
  });

  it('is nothing for other files and other models', () => {
    assert.equal(codeContextOf([link], '/home/ana/a/other.py', '/home/ana/a/net.onnx'), undefined);
    assert.equal(codeContextOf([link], '/home/ana/a/train.py', '/home/ana/a/other.onnx'), undefined);
  });
});

describe('the subject of a hover', () => {
  // Hovers read only the addresses of a structure.
  const model = (path: string, ...names: string[]): ReadModel => ({
    path,
    structure: { addresses: layerTableOf(names.map((name) => layer(name))) } as unknown as ModelStructure,
  });
  const reference = { kind: 'text', text: 'fc1[3]', start: 4, end: 10, isWordEnough: false } as const;
  const links = { ...place, links: [] };

  it('is found in the one model that has it', () => {
    const subject = hoverSubject([reference], [model('/a.onnx', 'conv1'), model('/b.onnx', 'fc1')], links);
    assert.ok(subject?.kind === 'found');
    assert.deepEqual(
      [subject.model.path, subject.resolution.start, subject.resolution.end],
      ['/b.onnx', 4, 10],
    );
    assert.equal(subject.resolution.targets[0]?.address, 'fc1[3]');
  });

  it('is a question when several have it, and nothing when none has', () => {
    const both = hoverSubject([reference], [model('/a.onnx', 'fc1'), model('/b.onnx', 'fc1')], links);
    assert.deepEqual(both?.kind === 'ask' && both.paths, ['/a.onnx', '/b.onnx']);
    assert.equal(hoverSubject([reference], [model('/a.onnx', 'conv1')], links), undefined);
  });

  it('is measured at the layer itself, at the activation that makes hidden neurons, and nowhere for heads', () => {
    const act = layer('blocks.0.act', { kind: 'activation', output: 'gelu' });
    const table = layerTableOf([layer('fc1'), act], {
      mlps: [
        { name: 'blocks.0', block: 0, hidden: 'gelu', unitCount: 8, downProjection: 'fc1' },
        { name: 'blocks.1', block: 1, hidden: 'gate × up', unitCount: 8, downProjection: 'fc1' },
      ],
      attentions: [{ name: 'attn', probabilities: 'p', headAxis: 1, headCount: 2 }],
    });
    const at = (text: string): string | undefined => measuredLayerOf(resolveAddress(text, table), table);
    assert.equal(at('fc1[1]'), 'fc1');
    assert.equal(at('L0N3'), 'blocks.0.act');
    assert.equal(at('L1N3'), undefined);
    assert.equal(at('attn.head[0]'), undefined);
  });
});
