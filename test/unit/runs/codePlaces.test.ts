import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { placesInCode } from '../../../src/runs/code/findingPlaces.js';
import { placeOfLayer, rootClassOf } from '../../../src/runs/code/layerPlace.js';
import { readPythonClasses } from '../../../src/runs/code/pythonClasses.js';
import { samplesDir } from '../../support/paths.js';

const code = `
import torch.nn as nn

class Block(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.conv1 = nn.Conv2d(width, width, 3)
        self.bn1 = nn.BatchNorm2d(width)  # self.ghost = 1

class Helper:
    def __init__(self):
        self.stem = 1

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem: nn.Module = nn.Conv2d(3, 8, 3)
        self.layer1 = nn.Sequential(
            Block(8),
            Block(8),
        )
        self.head = nn.Linear(8, 10)
        if self.head == None: pass

    def forward(self, x):
        self.stem = x
`;

function lineWith(text: string): number {
  return code.split('\n').findIndex((line) => line.includes(text));
}

describe('layers in training code', () => {
  const classes = readPythonClasses(code);

  it('are read from classes and what they keep, each where it is first set', () => {
    assert.deepEqual(
      classes.map(({ name, isModule, members }) => [name, isModule, members.map((one) => one.name)]),
      [
        ['Block', true, ['conv1', 'bn1']],
        ['Helper', false, ['stem']],
        ['Net', true, ['stem', 'layer1', 'head']],
      ],
    );
    assert.equal(classes[2]?.members[0]?.line, lineWith('self.stem: nn.Module'));
  });

  it('are found in the class of the model, and through containers in the classes of its parts', () => {
    const root = rootClassOf(classes, ['stem', 'layer1.0.conv1', 'layer1.1.conv1', 'head', 'head.act']);
    assert.equal(root, 'Net');
    const lineOf = (layer: string): number | undefined => placeOfLayer(classes, layer, root)?.line;
    assert.equal(lineOf('layer1.1.conv1'), lineWith('self.conv1'));
    assert.equal(lineOf('layer1.1.unknown'), lineWith('self.layer1'));
    assert.equal(lineOf('layer1.0'), lineWith('self.layer1'));
    assert.equal(lineOf('head.act'), lineWith('self.head = '));
    assert.equal(lineOf('nowhere'), undefined);
  });

  it('are found by what the inspect file says', async () => {
    const dir = join(samplesDir, 'digits-cnn');
    const { code: named } = JSON.parse(readFileSync(join(dir, 'digits-cnn.inspect.json'), 'utf8')) as {
      code: { path: string; class: string; layers: Record<string, string> };
    };
    const read = (path: string): Promise<string> => Promise.resolve(readFileSync(path, 'utf8'));
    const places = await placesInCode(['fc1[3]', 'relu2', 'none'], { code: named, dir }, read);
    const lines = readFileSync(join(dir, 'training.py'), 'utf8').split('\n');
    assert.deepEqual(
      [...places].map(([address, { line }]) => [address, /self\.(\w+)/.exec(lines[line] ?? '')?.[1]]),
      [
        ['fc1[3]', 'fc1'],
        ['relu2', 'relu2'],
      ],
    );
  });
});
