import { join } from 'node:path';
import { createRandom, type Random } from '../../src/base/random.js';
import { writeNpz } from '../../src/data/npz.js';
import type { Model } from '../../src/onnx/model.js';
import { float32Tensor } from '../../src/onnx/tensorValue.js';
import { writeModel } from '../../src/onnx/writeModel.js';
import { constant, finishAt, floatType, int64s, lay, startWith } from './network.js';
import type { Sample, SampleContext, SampleFacts } from './sample.js';

/** What each channel was planted with: the share of an effect that is left a week later, its reach, and what it sells. */
const channels = [
  { name: 'television', carryOver: 0.8, reach: 0.08, sales: 40 },
  { name: 'search', carryOver: 0.2, reach: 0.25, sales: 25 },
  { name: 'social', carryOver: 0.5, reach: 0.12, sales: 15 },
  { name: 'print', carryOver: 0.6, reach: 0.1, sales: 0 },
];
const base = 50;

/** Weeks that a channel acts for; what is left after them of the longest, 0.8²⁶ = 0.3 %, is dropped. */
const kernelSize = 26;
const [seriesCount, weekCount] = [12, 104];

/** Weekly sales of four channels with ad-stock and saturation, all of it planted. */
export const marketingMix: Sample = { name: 'marketing-mix', make };

async function make({ dir }: SampleContext): Promise<SampleFacts> {
  await writeModel(build(createRandom(0)), join(dir, 'marketing-mix.onnx'));
  const spend = drawSpend(createRandom(1));
  await writeNpz(join(dir, 'data', 'spend.npz'), {
    spend: float32Tensor(spend, [seriesCount, channels.length, weekCount]),
  });
  return {
    description:
      'Weekly sales from what four channels spend: ad-stock, saturation and a mix, planted, not trained.',
    recipe: { channels, base, kernelSize },
    data: {
      training: 'none: the weights were written down',
      committed: `${seriesCount} regions of ${weekCount} weeks, drawn with seed 1: flights of spending, and weeks without`,
    },
    metric: { name: 'planted channels', value: channels.length, on: 'the recipe above' },
    files: ['marketing-mix.onnx', 'data/spend.npz'],
  };
}

function build(random: Random): Model {
  const type = floatType(['N', channels.length, 'T']);
  const network = startWith('marketing-mix', { input: 'spend', type }, random);
  const kernels = channels.flatMap(({ carryOver, reach }) =>
    // The newest week comes last.
    Array.from({ length: kernelSize }, (_, week) => reach * carryOver ** (kernelSize - 1 - week)),
  );
  const count = channels.length;
  const adstock = constant(network, 'adstock.weight', Float32Array.from(kernels), [count, 1, kernelSize]);
  lay(network, { opType: 'Conv', name: 'adstock' }, [adstock], {
    kernel_shape: [kernelSize],
    pads: [kernelSize - 1, 0],
    group: count,
  });
  lay(network, { opType: 'Tanh', name: 'saturation' }, [], {});
  const mix = constant(
    network,
    'mix.weight',
    Float32Array.from(channels, ({ sales }) => sales),
    [1, count, 1],
  );
  const bias = constant(network, 'mix.bias', Float32Array.of(base), [1]);
  lay(network, { opType: 'Conv', name: 'mix' }, [mix, bias], { kernel_shape: [1] });
  lay(network, { opType: 'Squeeze', name: '' }, [int64s(network, [1])], {});
  return finishAt(network, 'sales', ['N', 'T']);
}

/** Spending comes in flights of a few weeks, each channel with its own habit. */
function drawSpend(random: Random): Float32Array {
  const spend = new Float32Array(seriesCount * channels.length * weekCount);
  for (let series = 0; series < spend.length; series += weekCount) {
    let [left, level] = [0, 0];
    for (let week = 0; week < weekCount; week++) {
      if (left === 0) {
        left = 2 + random.integer(6);
        level = random.next() < 0.35 ? 0 : Math.exp(0.6 * random.normal());
      }
      left--;
      spend[series + week] = Number((level * Math.exp(0.2 * random.normal())).toFixed(3));
    }
  }
  return spend;
}
