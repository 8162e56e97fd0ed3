import assert from 'node:assert/strict';
import { setImmediate as settled } from 'node:timers/promises';
import { NeuronTokens } from '../../../../src/extension/panels/neuron/neuronTokens.js';
import type { UnitTokens } from '../../../../src/protocol/units.js';
import type { TokensState } from '../../../../src/protocol/views/neuronMessages.js';

describe('the tokens of neurons on their page', () => {
  it('are asked of none that is walked past, nor twice, nor again after a failure until it is come back to', async () => {
    const played = new PlayedTokens();
    played.holds = true;
    for (const address of ['fc1[0]', 'fc1[1]', 'fc1[2]']) played.tokens.visit(address);
    played.end();
    await settled();
    played.end();
    await settled();
    assert.deepEqual(played.asked, ['fc1[0]', 'fc1[2]']);
    assert.deepEqual(played.shown, [{ kind: 'read', tokens: tokensOf('fc1[2]') }]);
    played.holds = false;
    // Something changed that is not of the page.
    played.tokens.visit('fc1[2]');
    played.tokens.visit('fc1[0]');
    await settled();
    assert.deepEqual(played.asked, ['fc1[0]', 'fc1[2]']);
    assert.deepEqual(played.shown.at(-1), { kind: 'read', tokens: tokensOf('fc1[0]') });
    played.failure = new Error('The engine was lost.');
    played.tokens.visit('fc1[3]');
    await settled();
    played.tokens.visit('fc1[3]');
    await settled();
    assert.deepEqual(played.shown.at(-1), { kind: 'failed', message: 'The engine was lost.' });
    assert.equal(played.asked.length, 3);
    played.failure = undefined;
    played.tokens.visit('fc1[0]');
    played.tokens.visit('fc1[3]');
    await settled();
    assert.deepEqual(played.shown.at(-1), { kind: 'read', tokens: tokensOf('fc1[3]') });
  });

  it('are asked once the workspace is trusted, and again of another model', async () => {
    const played = new PlayedTokens();
    played.mayAsk = false;
    played.tokens.visit('fc1[0]');
    assert.deepEqual(played.asked, []);
    played.mayAsk = true;
    played.tokens.visit('fc1[0]');
    await settled();
    played.tokens.forget();
    played.tokens.visit('fc1[0]');
    await settled();
    assert.deepEqual(played.asked, ['fc1[0]', 'fc1[0]']);
  });
});

function tokensOf(address: string): UnitTokens {
  return { address, layer: 'fc2', isHead: false, normWithoutGain: null, raised: [], lowered: [] };
}

class PlayedTokens {
  readonly asked: string[] = [];
  readonly shown: TokensState[] = [];
  mayAsk = true;
  holds = false;
  failure: Error | undefined;
  private held: (() => void)[] = [];
  readonly tokens = new NeuronTokens({
    mayAsk: () => this.mayAsk,
    ask: async (address) => {
      this.asked.push(address);
      if (this.holds) await new Promise<void>((resolve) => this.held.push(resolve));
      if (this.failure !== undefined) throw this.failure;
      return tokensOf(address);
    },
    show: (state) => void this.shown.push(state),
  });

  end(): void {
    for (const end of this.held.splice(0)) end();
  }
}
