import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { rowAtLine } from '../../../src/data/csvRows.js';
import { chosenSampleModel, tiedModels } from '../../../src/extension/explain/sampleModels.js';
import { inspectLenses } from '../../../src/extension/lenses/inspectLenses.js';
import { testLenses } from '../../../src/extension/lenses/testLenses.js';
import type { InspectFileLink } from '../../../src/extension/models/inspectFiles.js';
import { samplesDir } from '../../support/paths.js';

const python = `import model
SEVEN = "samples/seven.png"

def test_seven():
    pred = model.predict(load(SEVEN))
    assert pred.argmax() == 7

def test_row():
    x = load("table.csv")
    y = helper(x)
    assert y.shape == (1, 3)
    assert predictions(x)[0] > 0.5

class TestTone:
    def test_beep(self):
        # "comment.wav"
        self.assertEqual(classify("beep.wav").argmax(), 1)
`;

describe('lenses', () => {
  it('of a test stand at the samples it names and the predictions it asserts, each about its own sample', () => {
    const found = testLenses(python).map((lens) => [lens.line + 1, lens.kind === 'explain' ? lens.path : '']);
    assert.deepEqual(found, [
      [2, 'samples/seven.png'],
      [6, 'samples/seven.png'],
      [9, 'table.csv'],
      [12, 'table.csv'],
      [17, 'beep.wav'],
    ]);
  });

  it('of a script test stand where it expects a prediction', () => {
    const text = `it('reads a seven', async () => {\n  const image = await load('./seven.png');\n  expect(await predict(image)).toBe(7);\n});\nit('adds', () => {\n  expect(predict(1)).toBe(2);\n});\n`;
    assert.deepEqual(
      testLenses(text).map(({ line }) => line + 1),
      [2, 3],
    );
  });

  it('of an inspect file stand at its model and its data, half-written or whole', () => {
    const text = readFileSync(join(samplesDir, 'digits-cnn', 'digits-cnn.inspect.json'), 'utf8');
    const lines = text.split('\n');
    const [run, explain, ...others] = inspectLenses(text);
    assert.equal(others.length, 0);
    assert.match(lines[run!.line]!, /"model"/);
    assert.ok(run?.kind === 'run' && run.model === 'digits-cnn.onnx');
    assert.match(lines[explain!.line]!, /"path": "data\/digits-images/);
    assert.deepEqual(inspectLenses('{ "version": 1,\n "model": "a.onnx",\n "data": {'), [
      { kind: 'run', line: 1, model: 'a.onnx' },
    ]);
    assert.deepEqual(inspectLenses(''), []);
  });

  it('of a long test take a few milliseconds', () => {
    const long = python.repeat(250);
    testLenses(long);
    const startMs = performance.now();
    testLenses(long);
    // 4,750 lines; the machine may be busy, so ten times what was seen.
    assert.ok(performance.now() - startMs < 150, `${performance.now() - startMs} ms`);
  });
});

describe('the row of a table that the cursor is in', () => {
  it('counts samples from 0, without header, empty lines and line breaks in quotes', () => {
    const lines = ['a,b', '1,2', '', '"x', 'y",4', '5,6'];
    assert.deepEqual(
      lines.map((_, line) => rowAtLine(lines, line)),
      [undefined, 0, undefined, 1, 1, 2],
    );
    assert.deepEqual(
      ['1,2', '3,4'].map((_, line) => rowAtLine(['1,2', '3,4'], line)),
      [0, 1],
    );
    assert.equal(rowAtLine([], 0), undefined);
  });
});

describe('the model that a sample belongs to', () => {
  const link = (path: string, more: Partial<InspectFileLink>): InspectFileLink => ({
    ...{
      path,
      modelPath: undefined,
      hasData: true,
      dataPath: undefined,
      codePath: undefined,
      code: undefined,
    },
    ...more,
  });
  const links = [
    link('/w/cat.inspect.json', { modelPath: '/w/cat.onnx', dataPath: '/w/photos' }),
    link('/w/rows.inspect.json', { modelPath: '/w/rows.onnx', dataPath: '/w/rows.csv' }),
    link('/w/close.inspect.json', { modelPath: '/w/close.onnx', dataPath: '/w/photos/close' }),
  ];

  it('is the one whose data it is, or whose folder of data it lies in, the nearest first', () => {
    assert.deepEqual(tiedModels('/w/rows.csv', links), [
      { modelPath: '/w/rows.onnx', dataPath: '/w/rows.inspect.json' },
    ]);
    assert.deepEqual(
      tiedModels('/w/photos/close/a.png', links).map(({ modelPath }) => modelPath),
      ['/w/close.onnx', '/w/cat.onnx'],
    );
    assert.deepEqual(tiedModels('/w/photos2/a.png', links), []);
    assert.deepEqual(tiedModels('/w/cat.inspect.json', links), [
      { modelPath: '/w/cat.onnx', dataPath: '/w/cat.inspect.json' },
    ]);
  });

  it('is fed as the inspect file of its own data says', () => {
    assert.deepEqual(chosenSampleModel('/x/mine.png', '/w/cat.onnx', links), {
      modelPath: '/w/cat.onnx',
      dataPath: '/x/mine.png',
      describedBy: '/w/cat.inspect.json',
    });
    assert.deepEqual(chosenSampleModel('/x/mine.png', '/w/other.onnx', links), {
      modelPath: '/w/other.onnx',
      dataPath: '/x/mine.png',
    });
  });
});
