import assert from 'node:assert/strict';
import { join } from 'node:path';
import { attribution } from '../../../src/analyses/prediction/attribution.js';
import { openDataset } from '../../../src/data/openDataset.js';
import { readModel } from '../../../src/onnx/readModel.js';
import type { TokensBlock } from '../../../src/protocol/blocks.js';
import { samplesDir } from '../../support/paths.js';
import { attributionContext, attributionSettingsWith } from '../../support/runAttribution.js';

describe('attribution of text', function () {
  this.timeout(60_000);

  it('colours the words of a text file, and names the token that the model expects next', async () => {
    const dir = join(samplesDir, 'story-lm');
    const model = await readModel(join(dir, 'story-lm.onnx'));
    const data = await openDataset(join(dir, 'data', 'held-out.txt'), model);
    const context = { ...attributionContext(model, {}), data, limit: 2 };
    const draft = await attribution.run(context, attributionSettingsWith({ method: 'input-x-gradient' }));
    const blocks = draft.blocks.filter((block): block is TokensBlock => block.type === 'tokens');
    assert.equal(blocks.length, 2);
    const text = blocks[0]!.tokens.map((token) => token.text).join('');
    assert.match(text, /^"There is one subject," he replied/);
    assert.equal(blocks[0]!.tokens.length, 64);
    assert.match(blocks[0]!.title!, /held-out\.txt 0–63 · predicted "/);
  });
});
