import assert from 'node:assert/strict';
import { join } from 'node:path';
import { createRandom } from '../../../src/base/random.js';
import { drawnGraph } from '../../../src/onnx/drawnGraph.js';
import type { Model } from '../../../src/onnx/model.js';
import { openedModel } from '../../../src/onnx/openedModel.js';
import { readModel } from '../../../src/onnx/readModel.js';
import type { ModelGraph } from '../../../src/protocol/structure.js';
import type { Point } from '../../../webview/views/model/graph/boxParts.js';
import {
  type BoxMeasure,
  isBox,
  maxVisibleCount,
  type Scene,
  type SceneBox,
  visibleCount,
} from '../../../webview/views/model/graph/graphLayout.js';
import { GraphSearch, parseSearch } from '../../../webview/views/model/graph/graphSearch.js';
import { GraphSession } from '../../../webview/views/model/graph/graphSession.js';
import {
  GraphTree,
  type ItemId,
  maxChildCount,
  rootId,
} from '../../../webview/views/model/graph/graphTree.js';
import { LevelEdges } from '../../../webview/views/model/graph/levelEdges.js';
import { deepModel, flatModel, nodesPerBlock } from '../../support/deepModel.js';
import { elkInNode } from '../../support/elkInNode.js';
import { itWithShared, samplesDir } from '../../support/paths.js';
import { PlantedModel } from '../../support/plantedModel.js';
import { sharedModels } from '../../support/sharedModels.js';

const measure: BoxMeasure = {
  size: (item) => ({ width: 80 + (item.label.length % 5) * 10, height: 38 }),
  titleWidth: () => 120,
};

function graphOf(model: Model): ModelGraph {
  return drawnGraph(openedModel(model));
}

function sessionOf(model: Model): GraphSession {
  return new GraphSession(graphOf(model), measure, elkInNode());
}

/** `features` holds two blocks of two nodes; a sum skips over the second. */
function blocks(): Model {
  const planted = new PlantedModel();
  const conv = planted.conv('x', [3, 3], { name: '/features/features.0/conv/Conv', weight: 'a.weight' });
  const relu = planted.node('Relu', [conv], { name: '/features/features.0/act/Relu' });
  const second = planted.conv(relu, [3, 3], { name: '/features/features.1/conv/Conv', weight: 'b.weight' });
  const tanh = planted.node('Tanh', [second], { name: '/features/features.1/act/Tanh' });
  const sum = planted.node('Add', [tanh, relu], { name: '/Add' });
  return planted.model(sum);
}

function outline(tree: GraphTree, id: ItemId = rootId): unknown[] {
  return tree.item(id).children.map((child) => {
    const { label, children } = tree.item(child);
    return children.length === 0 ? label : [label, outline(tree, child)];
  });
}

function named(tree: GraphTree, name: string): ItemId {
  const item = tree.items.find((each) => each.name === name || each.label === name);
  assert(item !== undefined, name);
  return item.id;
}

/** Two residual blocks: the first among the neighbours of the root, the second a module of its own. */
function residuals(): Model {
  const planted = new PlantedModel();
  const start = planted.conv('x', [3, 3], { name: 'stem', weight: 'stem.weight' });
  const branch = planted.conv(start, [3, 3], { name: 'branch', weight: 'branch.weight' });
  const sum = planted.node('Add', [branch, start], { name: 'sum' });
  const inner = planted.conv(sum, [3, 3], { name: '/layer2/conv/Conv', weight: 'layer2.conv.weight' });
  const join = planted.node('Add', [inner, sum], { name: '/layer2/Add' });
  return planted.model(
    planted.node('Relu', [planted.conv(join, [3, 3], { name: 'head', weight: 'h.weight' })]),
  );
}

describe('recognised blocks of a graph', () => {
  it('are boxes around neighbours, and words on a module that is one', () => {
    const { tree } = sessionOf(residuals());
    const box = tree.items.find(({ kind }) => kind === 'block');
    assert.deepEqual(box?.blocks, ['Residual block']);
    assert.deepEqual(
      box.children.map((child) => tree.item(child).node?.operator),
      ['Conv', 'Add'],
    );
    const module = tree.item(named(tree, 'layer2'));
    assert.deepEqual([module.kind, module.blocks], ['module', ['Residual block']]);
  });

  it('keep every node once, and are found before the nodes by what they are called', () => {
    const session = sessionOf(residuals());
    const { tree } = session;
    assert.deepEqual(
      [...tree.nodesIn(rootId)].map(({ id }) => id).sort((a, b) => a - b),
      tree.graph.nodes.map(({ id }) => id),
    );
    const found = session.find('residual').map((id) => tree.item(id));
    assert.deepEqual(
      found.map(({ kind }) => kind),
      ['block', 'module'],
    );
    assert.deepEqual(
      session.find('block:residual'),
      found.map(({ id }) => id),
    );
  });

  it('open and are drawn as modules are', async () => {
    const session = sessionOf(residuals());
    const [box] = session.find('residual');
    const scene = await session.scene(new Set([box!]));
    assert.equal(scene.boxes.filter(({ item }) => item.parent === box).length, 2);
  });
});

describe('a graph as boxes', () => {
  it('holds modules in modules, without those around a single thing', () => {
    const tree = new GraphTree(graphOf(blocks()));
    assert.deepEqual(outline(tree), [
      'float32 [N, 3, 8, 8]',
      [
        'features',
        [
          ['0', ['conv', 'act']],
          ['1', ['conv', 'act']],
        ],
      ],
      'Add',
      'float32 [N, 3, 8, 8]',
    ]);
    assert.equal(tree.item(named(tree, 'features')).nodeCount, 4);
  });

  it('leaves out Constants and tells of every other node once', () => {
    const planted = new PlantedModel();
    const two = planted.node('Constant', [], { attributes: { value_float: { kind: 'float', value: 2 } } });
    const graph = graphOf(planted.model(planted.node('Mul', ['x', two])));
    const tree = new GraphTree(graph);
    assert.deepEqual(
      tree.items.flatMap(({ node }) => node?.operator ?? []),
      ['Mul'],
    );
  });

  it('puts runs of neighbours into boxes where there are too many', () => {
    for (const nodeCount of [maxChildCount + 1, 3000, 30_000]) {
      const tree = new GraphTree(graphOf(flatModel(nodeCount)));
      assert.ok(tree.items.every(({ children }) => children.length <= maxChildCount));
      assert.deepEqual(
        [...tree.nodesIn(rootId)].map(({ id }) => id),
        Array.from({ length: nodeCount }, (_, id) => id),
      );
      const part = tree.items.find(({ kind }) => kind === 'part');
      assert.match(part?.label ?? '', /^.+ … Node_\d+$/);
    }
  });

  it('shows a flat model of a few hundred nodes whole', () => {
    const tree = new GraphTree(graphOf(flatModel(200)));
    assert.equal(tree.root.children.length, 202);
  });
});

describe('edges of a graph, box by box', () => {
  it('leave a box by what they come from and enter it by where they come from', () => {
    const tree = new GraphTree(graphOf(blocks()));
    const edges = new LevelEdges(tree);
    const [features, first, second] = ['features', '0', '1'].map((name) => named(tree, name));
    const shown = (box: ItemId): string[] =>
      edges.inside(box).map(({ from, to }) => {
        const end = (id: ItemId | undefined): string => (id === undefined ? 'border' : tree.item(id).label);
        return `${end(from.item)} → ${end(to.item)}`;
      });
    assert.deepEqual(shown(features!), ['border → 0', '0 → 1', '1 → border', '0 → border']);
    assert.deepEqual(shown(first!), ['border → conv', 'conv → act', 'act → border']);
    assert.deepEqual(shown(second!), ['border → conv', 'conv → act', 'act → border']);
  });

  it('are there for every pair of nodes that share a value', () => {
    const graph = graphOf(deepModel(3));
    const tree = new GraphTree(graph);
    const expected = new Set<string>();
    for (const { id, sources } of graph.nodes) {
      for (const source of sources) {
        if (source !== null) expected.add(`${tree.ofSource(source)!.id} ${tree.ofNode(id)!.id}`);
      }
    }
    const output = tree.items.find(({ kind }) => kind === 'output');
    expected.add(`${tree.ofSource(graph.outputs[0]!.source!)!.id} ${output!.id}`);
    const edges = new LevelEdges(tree);
    assert.deepEqual(new Set(edges.leaves.map(({ from, to }) => `${from} ${to}`)), expected);
  });
});

/** Checks that a drawing holds together, whatever is open. */
function checkScene(scene: Scene, session: GraphSession, expanded: ReadonlySet<ItemId>): void {
  const { tree } = session;
  const byItem = new Map(scene.boxes.map((box) => [box.item.id, box]));
  assert.equal(scene.boxes.length, visibleCount(tree, expanded));
  for (const box of scene.boxes) {
    const around = byItem.get(box.item.parent);
    const outer = around ?? { x: 0, y: 0, ...scene };
    assert.ok(isInside(box, outer), `${box.item.name} is outside ${around?.item.name ?? 'the drawing'}`);
  }
  checkOverlaps(scene.boxes);
  const drawnKeys = new Map<string, number>();
  for (const { box, keys, points } of scene.lines) {
    assert.ok(points.length >= 2 && points.every(({ x, y }) => Number.isFinite(x) && Number.isFinite(y)));
    for (const key of keys) drawnKeys.set(`${box} ${key}`, (drawnKeys.get(`${box} ${key}`) ?? 0) + 1);
  }
  const open = [rootId, ...scene.boxes.filter(({ isExpanded }) => isExpanded).map(({ item }) => item.id)];
  const edges = new LevelEdges(tree);
  const expected = open.flatMap((box) => edges.inside(box).map(({ key }) => `${box} ${key}`));
  assert.deepEqual([...drawnKeys.keys()].sort(), expected.sort());
  assert.ok([...drawnKeys.values()].every((count) => count === 1));
}

function checkOverlaps(boxes: readonly SceneBox[]): void {
  const siblings = new Map<ItemId, SceneBox[]>();
  for (const box of boxes) siblings.set(box.item.parent, [...(siblings.get(box.item.parent) ?? []), box]);
  for (const group of siblings.values()) {
    for (const [index, a] of group.entries()) {
      for (const b of group.slice(index + 1)) {
        const apart =
          a.x + a.width <= b.x || b.x + b.width <= a.x || a.y + a.height <= b.y || b.y + b.height <= a.y;
        assert.ok(apart, `${a.item.name} and ${b.item.name} overlap`);
      }
    }
  }
}

function isInside(inner: Point & { width: number; height: number }, outer: typeof inner): boolean {
  // Places are rounded by the layout.
  const slack = 0.6;
  return (
    inner.x >= outer.x - slack &&
    inner.y >= outer.y - slack &&
    inner.x + inner.width <= outer.x + outer.width + slack &&
    inner.y + inner.height <= outer.y + outer.height + slack
  );
}

/** Opens boxes at random and checks each drawing. */
async function openAtRandom(session: GraphSession, times: number): Promise<void> {
  const random = createRandom(11);
  let expanded = session.first();
  for (let i = 0; i < times; i++) {
    const scene = await session.scene(expanded);
    checkScene(scene, session, expanded);
    const closed = scene.boxes.filter(({ item, isExpanded }) => isBox(item) && !isExpanded);
    const box = closed[Math.floor(random.next() * closed.length)];
    if (box === undefined) return;
    const opening = session.opened(expanded, box.item.id);
    if (opening.kind === 'open') ({ expanded } = opening);
  }
}

describe('the drawing of a graph', function () {
  this.timeout(120_000);

  it('has every box inside its own and every edge once, whatever is open', async () => {
    await openAtRandom(sessionOf(await readModel(join(samplesDir, 'digits-cnn', 'digits-cnn.onnx'))), 3);
    await openAtRandom(sessionOf(blocks()), 5);
    await openAtRandom(sessionOf(deepModel(12)), 12);
  });

  itWithShared('holds together for every real model', async (shared) => {
    for (const { model } of await sharedModels(shared)) await openAtRandom(sessionOf(model), 5);
  });

  it('leads a mask that goes to every block beside the drawing', async () => {
    const session = sessionOf(deepModel(60));
    const layers = named(session.tree, 'encoder.layers');
    const expanded = session.revealing(new Set(), session.tree.item(layers).children[0]!);
    const scene = await session.scene(expanded);
    checkScene(scene, session, expanded);
    const blocksInOrder = scene.boxes.filter(({ item }) => item.parent === layers);
    assert.equal(blocksInOrder.length, 60);
    // One below the other: led through the rows, 60 edges would have pushed them apart.
    assert.ok(blocksInOrder.every(({ x }) => Math.abs(x - blocksInOrder[0]!.x) < 30));
  });

  it('opens first what shows something, and no more', async () => {
    const session = sessionOf(deepModel(200));
    assert.ok(session.tree.graph.nodes.length >= 200 * nodesPerBlock);
    const scene = await session.scene(session.first());
    assert.ok(scene.boxes.length >= 4 && scene.boxes.length < maxVisibleCount, String(scene.boxes.length));
  });

  it('never draws more than 1,500 boxes, and offers to open one alone', () => {
    const session = sessionOf(deepModel(200));
    assert.equal(session.everything().kind, 'too-many');
    let expanded: ReadonlySet<ItemId> = new Set();
    let refused: ItemId | undefined;
    for (const item of session.tree.items.filter(isBox).slice(1)) {
      const opening = session.opened(expanded, item.id);
      if (opening.kind === 'open') ({ expanded } = opening);
      else refused = item.id;
    }
    assert.ok(visibleCount(session.tree, expanded) <= maxVisibleCount);
    assert.ok(refused !== undefined);
    const alone = session.alone(refused);
    assert.ok(alone.has(refused) && visibleCount(session.tree, alone) <= maxVisibleCount);
  });

  it('shows any node by opening what is around it', () => {
    const session = sessionOf(deepModel(200));
    const last = session.tree.ofNode(session.tree.graph.nodes.length - 1)!;
    for (const item of [last, session.tree.ofNode(5000)!]) {
      const expanded = session.revealing(session.first(), item.id);
      assert.equal(session.visible(item.id, expanded), item.id);
    }
  });

  it('closes with a box what is open inside', () => {
    const session = sessionOf(blocks());
    const [features, first] = ['features', '0'].map((name) => named(session.tree, name));
    assert.deepEqual([...session.closed(new Set([features!, first!]), features!)], []);
  });

  it('follows the edges from box to box and back', () => {
    const session = sessionOf(blocks());
    const { tree } = session;
    const closed = new Set<ItemId>();
    const features = named(tree, 'features');
    const add = tree.items.find(({ node }) => node?.operator === 'Add')!.id;
    assert.equal(session.step(features, 'after', closed), add);
    assert.equal(session.step(add, 'before', closed), features);
    const inside = session.step(features, 'inside', closed)!;
    assert.equal(tree.item(inside).label, '0');
    assert.equal(session.step(inside, 'around', closed), features);
  });
});

describe('the search in a graph', () => {
  const search = new GraphSearch(graphOf(blocks()));
  const graph = graphOf(blocks());
  const found = (text: string): string[] => search.find(text).map((id) => graph.nodes[id]!.operator);

  it('finds by words anywhere, all of which must be there', () => {
    assert.deepEqual(found('features.1'), ['Conv', 'Tanh']);
    assert.deepEqual(found('FEATURES.1 conv'), ['Conv']);
    assert.deepEqual(found(''), []);
    assert.deepEqual(found('nothing'), []);
  });

  it('finds by operator, shape, attribute, name and module', () => {
    assert.deepEqual(found('op:conv'), ['Conv', 'Conv']);
    assert.deepEqual(found('op:con'), []);
    assert.deepEqual(found('shape:3x8'), ['Conv', 'Relu', 'Conv', 'Tanh', 'Add']);
    assert.deepEqual(found('shape:[N,3,8,8] op:relu'), ['Relu']);
    assert.deepEqual(found('name:/add'), ['Add']);
    assert.deepEqual(found('in:features.0'), ['Conv', 'Relu']);
    const planted = new PlantedModel();
    const pooled = planted.node('AveragePool', ['x'], {
      attributes: { kernel_shape: [2, 2], strides: [2, 2] },
    });
    const pools = new GraphSearch(graphOf(planted.model(pooled)));
    assert.deepEqual(pools.find('attr:strides=[2,2]'), [0]);
    assert.deepEqual(pools.find('attr:strides=[3'), []);
  });

  it('takes operators of other domains by their name alone', () => {
    const planted = new PlantedModel(['N', 3]);
    const gelu = planted.node('Gelu', ['x'], { domain: 'com.microsoft' });
    const other = new GraphSearch(graphOf(planted.model(gelu)));
    assert.deepEqual(other.find('op:gelu'), [0]);
    assert.deepEqual(other.find('op:com.microsoft:gelu'), [0]);
  });

  it('treats what looks like an expression as text', () => {
    assert.deepEqual(found('.*'), []);
    assert.deepEqual(parseSearch('op: conv'), [{ field: undefined, word: 'conv', isWhole: false }]);
  });
});
