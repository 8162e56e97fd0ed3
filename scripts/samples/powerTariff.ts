import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createRandom } from '../../src/base/random.js';
import type { Model } from '../../src/onnx/model.js';
import { writeModel } from '../../src/onnx/writeModel.js';
import { constant, finishAt, floatType, lay, layRelu, type Network, startWith } from './network.js';
import type { Sample, SampleContext, SampleFacts } from './sample.js';
import { drawTable } from './table.js';

const columns = ['day', 'night'];
const rowCount = 300;

/** A bill of four tiers and a rebate on what is above 1.2: a small network of straight pieces, all of it planted. */
export const powerTariff: Sample = { name: 'power-tariff', make };

async function make({ dir }: SampleContext): Promise<SampleFacts> {
  await writeModel(build(), join(dir, 'power-tariff.onnx'));
  const table = drawTable(createRandom(2), { columns, rowCount, width: 4 });
  writeFileSync(join(dir, 'data', 'households.csv'), table);
  return {
    description: 'A bill from the power used by day and by night: tiers and a rebate, planted, not trained.',
    recipe: {
      rule: 'b = 0.3 day + 0.1 (day − 1)⁺ + 0.2 night + 0.15 (night − 2)⁺; bill = b − 0.5 (b − 1.2)⁺',
    },
    data: {
      training: 'none: the weights were written down',
      committed: `${String(rowCount)} households, drawn with seed 2: both columns even between 0 and 4`,
    },
    // Two tiers by day times two by night; the rebate cuts all of them but the cheapest in two.
    metric: { name: 'linear regions', value: 7, on: 'the range of the committed rows' },
    files: ['power-tariff.onnx', 'data/households.csv'],
  };
}

function build(): Model {
  const type = floatType(['N', columns.length]);
  const network = startWith('power-tariff', { input: 'x', type }, createRandom(0));
  layPlanted(network, 'tiers', { weight: [1, 0, 1, 0, 0, 1, 0, 1], bias: [0, -1, 0, -2] });
  layRelu(network, 'above');
  layPlanted(network, 'sum', { weight: [0.3, 0.1, 0.2, 0.15, 0.3, 0.1, 0.2, 0.15], bias: [0, -1.2] });
  layRelu(network, 'rebate');
  layPlanted(network, 'bill', { weight: [1, -0.5], bias: [0] });
  return finishAt(network, 'amount', ['N', 1]);
}

/** Lays `nn.Linear` with given numbers. */
function layPlanted(
  network: Network,
  name: string,
  { weight, bias }: { readonly weight: readonly number[]; readonly bias: readonly number[] },
): void {
  const dims = [bias.length, weight.length / bias.length];
  const operands = [
    constant(network, `${name}.weight`, Float32Array.from(weight), dims),
    constant(network, `${name}.bias`, Float32Array.from(bias), [bias.length]),
  ];
  lay(network, { opType: 'Gemm', name }, operands, { transB: 1 });
}
