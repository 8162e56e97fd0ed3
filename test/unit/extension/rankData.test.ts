import assert from 'node:assert/strict';
import { join, sep } from 'node:path';
import { groupFiles } from '../../../src/extension/run/data/groupFiles.js';
import { type FoundData, rankData } from '../../../src/extension/run/data/rankData.js';

const root = sep === '\\' ? 'C:\\space' : '/space';
const at = (path: string): string => join(root, ...path.split('/'));

function found(parts: Partial<FoundData>): FoundData {
  return {
    modelPath: at('models/net/net.onnx'),
    links: [],
    used: [],
    files: [],
    hasMoreImages: false,
    ...parts,
  };
}

/** Paths below the root and reasons, in order. */
function ranked(parts: Partial<FoundData>): string[] {
  return rankData(found(parts)).map(
    ({ path, reason }) =>
      `${path
        .slice(root.length + 1)
        .split(sep)
        .join('/')} ${reason}`,
  );
}

describe('data proposed for a model', () => {
  it('begins with the inspect file that names the model, then what was used with it', () => {
    assert.deepEqual(
      ranked({
        links: [
          { path: at('other.inspect.json'), modelPath: at('models/other.onnx'), hasData: true },
          { path: at('models/net/free.inspect.json'), modelPath: undefined, hasData: true },
          { path: at('far/away/net.inspect.json'), modelPath: at('models/net/net.onnx'), hasData: true },
        ],
        used: [
          { path: at('used/elsewhere.npz'), modelPath: at('models/other.onnx') },
          { path: at('used/here.npz'), modelPath: at('models/net/net.onnx') },
        ],
        files: [at('models/net/near.csv'), at('a/b/c/d/far.csv')],
      }),
      [
        'far/away/net.inspect.json names-model',
        'used/here.npz used-for-model',
        'models/net/free.inspect.json names-no-model',
        'models/net/near.csv near-model',
        'used/elsewhere.npz used-for-other',
        'other.inspect.json names-other-model',
        'a/b/c/d/far.csv in-workspace',
      ],
    );
  });

  it('leaves out inspect files that describe no data', () => {
    const links = [{ path: at('net.inspect.json'), modelPath: at('models/net/net.onnx'), hasData: false }];
    assert.deepEqual(ranked({ links }), []);
  });

  it('names data once, with its best reason and all that is known of it', () => {
    const path = at('models/net/val');
    const [only, ...others] = rankData(
      found({
        used: [{ path, modelPath: at('models/net/net.onnx') }],
        files: [join(path, 'a.png'), join(path, 'b.png')],
      }),
    );
    assert.deepEqual(others, []);
    assert.deepEqual(only, { path, kind: 'images', reason: 'used-for-model', itemCount: 2 });
  });

  it('puts what is nearer, and bears the name of the model, first', () => {
    assert.deepEqual(
      ranked({
        files: [
          at('data/b.npz'),
          at('models/net/a.npz'),
          at('models/net/net-test.npz'),
          at('models/net/in/c.npz'),
        ],
      }),
      [
        'models/net/net-test.npz near-model',
        'models/net/a.npz near-model',
        'models/net/in/c.npz near-model',
        'data/b.npz near-model',
      ],
    );
  });

  it('proposes IDX images with their labels and never the labels themselves', () => {
    const images = at('data/t10k-images-idx3-ubyte.gz');
    const labels = at('data/t10k-labels-idx1-ubyte.gz');
    const [only, ...others] = rankData(found({ files: [labels, images] }));
    assert.equal(others.length, 0);
    assert.equal(only?.path, images);
    assert.equal(only.kind, 'idx');
    assert.equal(only.hasLabels, true);
  });

  it('leaves out arrays that are labels by their name, and files of kinds that are not read', () => {
    const files = ['labels.npy', 'y_test.npy', 'x-labels.npy', 'x.npy', 'notes.txt', 'ylang.npy'].map(at);
    assert.deepEqual(
      rankData(found({ files })).map(({ path }) => path),
      [at('x.npy'), at('ylang.npy')],
    );
  });

  it('takes sounds by their folders, sub-folders being the classes', () => {
    const files = ['yes/1.wav', 'yes/2.wav', 'no/3.wav'].map((name) => at(`models/speech/${name}`));
    assert.deepEqual(rankData(found({ files })), [
      { path: at('models/speech'), kind: 'audio', reason: 'near-model', itemCount: 3, classCount: 2 },
    ]);
  });

  it('takes test sets beside the model as one, the folder around them', () => {
    const files = ['0', '1', '2'].map((set) => at(`models/net/test_data_set_${set}/input_0.pb`));
    assert.deepEqual(rankData(found({ files: [...files, at('models/net/test_data_set_0/output_0.pb')] })), [
      { path: at('models/net'), kind: 'onnx-pb', reason: 'test-data', itemCount: 3 },
    ]);
  });

  it('proposes no more than fits a list', () => {
    const files = Array.from({ length: 500 }, (_, index) => at(`data/${index}.npz`));
    assert.equal(rankData(found({ files })).length, 40);
  });
});

describe('folders of images', () => {
  it('are one data set where all images are in sub-folders, which are the classes', () => {
    const images = ['val/cat/1.png', 'val/cat/2.png', 'val/dog/1.png', 'loose/a.png'].map(at);
    assert.deepEqual(groupFiles(images), [
      { path: at('val'), fileCount: 3, classCount: 2 },
      { path: at('loose'), fileCount: 1 },
    ]);
  });

  it('are data sets of their own where images lie beside the sub-folders, or there is only one', () => {
    const images = ['mixed/1.png', 'mixed/a/2.png', 'mixed/b/3.png', 'one/only/4.png'].map(at);
    assert.deepEqual(
      groupFiles(images)
        .map(({ path, classCount }) => [path, classCount])
        .sort(),
      [
        [at('mixed'), undefined],
        [at('mixed/a'), undefined],
        [at('mixed/b'), undefined],
        [at('one/only'), undefined],
      ],
    );
  });
});
