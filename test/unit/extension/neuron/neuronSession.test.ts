import assert from 'node:assert/strict';
import { UserError } from '../../../../src/base/errors.js';
import type { MeasuredNeuron } from '../../../../src/extension/panels/neuron/neuronMeasurer.js';
import { NeuronSession } from '../../../../src/extension/panels/neuron/neuronSession.js';
import type { LayerFacts } from '../../../../src/extension/units/unitIndex.js';
import { addressTableOf } from '../../../../src/onnx/layers/layerTable.js';
import type { ModelStructure } from '../../../../src/protocol/structure.js';
import type { UnitLinks, UnitWeights } from '../../../../src/protocol/units.js';
import type { NeuronShow, NeuronTrail } from '../../../../src/protocol/views/neuronMessages.js';
import { layer, layerTableOf } from '../../../support/layerTableOf.js';

describe('a session of the neuron page', () => {
  it('shows the place, what is known and the weights of an address', async () => {
    const page = new PlayedSession();
    page.facts = layerFacts({ maximum: Infinity });
    await page.session.open('fc1[1]');
    await settled();
    assert.equal(page.title, 'fc1[1]');
    assert.equal(page.shown('place').place.address, 'fc1[1]');
    assert.deepEqual(page.shown('weights').state, { kind: 'read', weights: weightsOf('fc1[1]') });
    assert.deepEqual(page.shown('links').state, { kind: 'read', links: linksOf('fc1[1]') });
    assert.deepEqual(page.roles, ['fc1[1]']);
    assert.deepEqual(page.tokens, ['fc1[1]']);
    assert.deepEqual(page.shown('facts').facts, {
      address: 'relu1[1]',
      state: 'dead',
      stateMeaning: 'meaning of dead',
      sampleCount: 100,
      activeSampleCount: 0,
      activeFraction: 0,
      maximum: 'Infinity',
      mean: 0,
      examples: [{ index: 4, id: 'row 4' }],
      resultId: 'result-1',
      createdAt: '2026-01-01T00:00:00.000Z',
      dataName: 'test.npz',
      areImages: false,
      isStale: false,
    });
    assert.deepEqual(page.measured, [{ address: 'fc1[1]', isInBody: false }]);
  });

  it('knows nothing of a neuron without results', async () => {
    const page = new PlayedSession();
    await page.session.open('fc1[1]');
    assert.equal(page.shown('facts').facts, null);
  });

  it('looks facts up again once they are loaded, and when results change', async () => {
    const page = new PlayedSession();
    await page.session.open('fc1[1]');
    page.facts = layerFacts();
    page.endLoad();
    await settled();
    assert.equal(page.shown('facts').facts?.state, 'dead');
    page.facts = undefined;
    await page.session.refresh();
    assert.equal(page.shown('facts').facts, null);
    assert.equal(page.refreshCount, 1);
  });

  it('shows everything again to a page that was hidden', async () => {
    const page = new PlayedSession();
    await page.session.open('fc1[1]');
    page.session.show({ kind: 'measurement', state: { kind: 'no-data' } });
    await settled();
    page.messages.length = 0;
    page.session.ready();
    assert.deepEqual(
      page.messages.map(({ kind }) => kind),
      ['place', 'facts', 'weights', 'links', 'measurement'],
    );
  });

  it('shows nothing of the last neuron after going to another', async () => {
    const page = new PlayedSession();
    await page.session.open('fc1[1]');
    page.session.show({ kind: 'measurement', state: { kind: 'done' } });
    page.session.step(1);
    page.messages.length = 0;
    page.session.ready();
    assert.equal(
      page.messages.some(({ kind }) => kind === 'measurement'),
      false,
    );
  });

  it('walks without losing a step, however fast the keys come', async () => {
    const page = new PlayedSession();
    await page.session.open('fc1[0]');
    for (let press = 0; press < 5; press++) page.session.step(1);
    assert.equal(page.title, 'fc1[3]');
    for (let press = 0; press < 2; press++) page.session.step(-1);
    assert.equal(page.title, 'fc1[1]');
  });

  it('reads the weights of none of the neurons that are walked past', async () => {
    const page = new PlayedSession();
    await page.session.open('fc1[0]');
    await settled();
    page.holdsWeights = true;
    page.session.step(1);
    page.session.step(1);
    page.session.step(1);
    page.endWeights();
    await settled();
    page.endWeights();
    await settled();
    assert.deepEqual(page.weightsAsked, ['fc1[0]', 'fc1[1]', 'fc1[3]']);
    assert.deepEqual(page.shown('weights').state, { kind: 'read', weights: weightsOf('fc1[3]') });
  });

  it('has the weights of neurons it has been at, and asks again for those that failed', async () => {
    const page = new PlayedSession();
    await page.session.open('fc1[0]');
    await settled();
    page.weightsError = new UserError('no-weights', 'relu1 has no weights.');
    page.session.step(1);
    await settled();
    assert.deepEqual(page.shown('weights').state, { kind: 'none', reason: 'relu1 has no weights.' });
    page.weightsError = undefined;
    page.session.step(-1);
    assert.equal(page.shown('weights').state.kind, 'read');
    page.session.step(1);
    await settled();
    assert.deepEqual(page.weightsAsked, ['fc1[0]', 'fc1[1]', 'fc1[1]']);
  });

  it('goes back to where a jump came from', async () => {
    const page = new PlayedSession();
    await page.session.open('fc1[0]');
    await page.session.open('relu1[2]');
    await page.session.travel(-1);
    assert.equal(page.title, 'fc1[0]');
    assert.deepEqual(page.shown('place').trail, { addresses: ['fc1[0]', 'relu1[2]'], index: 0 });
    await page.session.travel(-1);
    assert.equal(page.title, 'fc1[0]');
  });

  it('goes to a number of the same layer, or to any address', async () => {
    const page = new PlayedSession();
    await page.session.open('fc1[0]');
    assert.deepEqual(await page.session.goToText(' 2 '), { address: 'fc1[2]' });
    assert.deepEqual(await page.session.goToText('relu1[1]'), { address: 'relu1[1]' });
    assert.equal(page.title, 'relu1[1]');
  });

  it('stays where it is when what was typed leads nowhere, and says why', async () => {
    const page = new PlayedSession();
    await page.session.open('fc1[0]');
    await assert.rejects(page.session.goToText('4'), /There is no unit 4 in "fc1": it has 4 \(0 to 3\)/);
    await assert.rejects(page.session.goToText('fc9[0]'), /no layer "fc9"/);
    assert.equal(page.title, 'fc1[0]');
  });

  it('opens the model at a layer when the address has no unit', async () => {
    const page = new PlayedSession();
    await page.session.open('fc1[0]');
    await page.session.goToText('relu1');
    assert.equal(page.openedLayer, 'relu1');
    assert.equal(page.title, 'fc1[0]');
  });

  it('says of a bad address what is wrong, and stops measuring', async () => {
    const page = new PlayedSession();
    await page.session.open('fcl[0]');
    const { problem } = page.shown('problem');
    assert.equal(problem.kind, 'unknown');
    assert.deepEqual(problem.suggestions, ['fc1[0]']);
    assert.deepEqual(page.measured, [undefined]);
    assert.equal(page.title, 'fcl[0]');
  });

  it('says that the model cannot be read, and shows the neuron once it can', async () => {
    const page = new PlayedSession();
    page.structure = new UserError('no-such-file', 'There is no file a.onnx.');
    await page.session.open('fc1[0]');
    assert.deepEqual(page.shown('problem').problem, {
      address: 'fc1[0]',
      modelName: 'a.onnx',
      kind: 'model',
      message: 'There is no file a.onnx.',
      suggestions: [],
    });
    page.structure = structure(1);
    await page.session.refresh();
    assert.equal(page.shown('place').place.address, 'fc1[0]');
  });

  it('reads everything again when the model changed', async () => {
    const page = new PlayedSession();
    await page.session.open('fc1[0]');
    await settled();
    assert.equal(page.session.modelStamp.modifiedMs, 1);
    page.structure = structure(2);
    await page.session.refresh();
    await settled();
    assert.equal(page.session.modelStamp.modifiedMs, 2);
    assert.deepEqual(page.weightsAsked, ['fc1[0]', 'fc1[0]']);
    assert.equal(page.measured.length, 2);
  });

  it('says so when a change of the model took the neuron away', async () => {
    const page = new PlayedSession();
    await page.session.open('fc1[3]');
    page.structure = structure(2, 2);
    await page.session.refresh();
    assert.match(page.shown('problem').problem.message, /There is no unit 3/);
  });

  it('reopens where a reloaded page was, with its trail', async () => {
    const page = new PlayedSession({ addresses: ['fc1[0]', 'relu1[2]', 'fc1[1]'], index: 1 });
    await page.session.reopen();
    assert.equal(page.title, 'relu1[2]');
    await page.session.travel(1);
    assert.equal(page.title, 'fc1[1]');
  });
});

/** A session whose surroundings the test plays. */
class PlayedSession {
  readonly session: NeuronSession;
  readonly messages: NeuronShow[] = [];
  readonly measured: (MeasuredNeuron | undefined)[] = [];
  readonly weightsAsked: string[] = [];
  structure: ModelStructure | UserError = structure(1);
  facts: LayerFacts | undefined;
  readonly roles: (string | undefined)[] = [];
  readonly tokens: (string | undefined)[] = [];
  weightsError: UserError | undefined;
  holdsWeights = false;
  title = '';
  openedLayer: string | undefined;
  refreshCount = 0;
  endLoad: () => void = () => undefined;
  private held: (() => void)[] = [];

  constructor(trail?: NeuronTrail) {
    this.session = new NeuronSession(
      {
        model: 'file:///models/a.onnx',
        modelName: 'a.onnx',
        structure: () =>
          this.structure instanceof UserError
            ? Promise.reject(this.structure)
            : Promise.resolve(this.structure),
        weights: (address) => this.weights(address),
        links: (address) => Promise.resolve(linksOf(address)),
        role: { visit: (address) => void this.roles.push(address) },
        tokens: {
          visit: (address) => void this.tokens.push(address),
          forget: () => void this.tokens.push('forgotten'),
        },
        layerFacts: (name) => (name === 'relu1' ? this.facts : undefined),
        loadFacts: () =>
          new Promise((resolve) => {
            this.endLoad = resolve;
          }),
        samples: (_, indices) => indices.map((index) => (index === 4 ? { index, id: 'row 4' } : undefined)),
        meaningOf: (state) => `meaning of ${state}`,
        measurer: {
          visit: (neuron) => {
            this.measured.push(neuron);
            return Promise.resolve();
          },
          refresh: () => {
            this.refreshCount++;
            return Promise.resolve();
          },
        },
        show: (message) => this.messages.push(message),
        setTitle: (address) => {
          this.title = address;
        },
        openLayer: (name) => {
          this.openedLayer = name;
        },
      },
      trail,
    );
  }

  /** The last message of a kind. */
  shown<K extends NeuronShow['kind']>(kind: K): Extract<NeuronShow, { readonly kind: K }> {
    const found = this.messages.findLast((message) => message.kind === kind);
    assert.ok(found, `nothing of kind ${kind} was shown`);
    // Found by that very kind.
    return found as Extract<NeuronShow, { readonly kind: K }>;
  }

  endWeights(): void {
    for (const end of this.held.splice(0)) end();
  }

  private async weights(address: string): Promise<UnitWeights> {
    this.weightsAsked.push(address);
    if (this.holdsWeights) await new Promise<void>((resolve) => this.held.push(resolve));
    if (this.weightsError !== undefined) throw this.weightsError;
    return weightsOf(address);
  }
}

function structure(modifiedMs: number, unitCount = 4): ModelStructure {
  const judged = { kind: 'activation', layer: 'relu1' } as const;
  const layers = [
    layer('fc1', { unitCount, states: judged }),
    layer('relu1', { kind: 'activation', operator: 'Relu', unitCount, states: judged }),
  ];
  return {
    inspection: {} as ModelStructure['inspection'], // The page reads addresses only.
    addresses: addressTableOf(layerTableOf(layers)),
    metadata: [],
    stamp: { sizeBytes: 10, modifiedMs },
  };
}

function linksOf(address: string): UnitLinks {
  return {
    ...{ address, targets: [], outputs: [], ends: [], similar: [] },
    ...{ moreReaderCount: 0, whyNoSimilar: null },
  };
}

function weightsOf(address: string): UnitWeights {
  const evidence = { kind: 'measured' } as const;
  return {
    address,
    layer: 'fc1',
    dims: [2],
    count: 2,
    bias: 0.5,
    norm: 5,
    normRank: 1,
    unitCount: 4,
    positiveShare: 0.5,
    histogram: { edges: [-4, 3], counts: [2], evidence },
    largest: [{ from: 'x[1]', value: -4 }],
  };
}

function layerFacts({ maximum = 0 } = {}): LayerFacts {
  return {
    unitCount: 4,
    stateCounts: { dead: 4 },
    resultId: 'result-1',
    createdAt: '2026-01-01T00:00:00.000Z',
    dataPath: '/data/test.npz',
    sampleCount: 100,
    areImages: false,
    isStale: false,
    unit: () => ({
      state: 'dead',
      sampleCount: 100,
      activeSampleCount: 0,
      activeFraction: 0,
      maximum,
      mean: 0,
      topSamples: [4, 5],
    }),
  };
}

/** Every promise that can settle has. */
async function settled(): Promise<void> {
  for (let turn = 0; turn < 3; turn++) await new Promise((resolve) => setImmediate(resolve));
}
