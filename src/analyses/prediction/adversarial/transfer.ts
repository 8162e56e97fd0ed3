import { basename, resolve } from 'node:path';
import { UserError } from '../../../base/errors.js';
import { soundModel } from '../../../engine/graph/verify.js';
import type { Model } from '../../../onnx/model.js';
import { convertToOpset17 } from '../../../onnx/opsets/convert.js';
import { readModel } from '../../../onnx/readModel.js';
import type { AnalysisContext } from '../../analysis.js';
import type { Rows } from '../attribution/rows.js';
import type { AttackedInput } from './attackedInput.js';
import { attackRows, type Caught } from './attacks.js';
import { type AttackPlan, gapsOf, type Prey } from './hunt.js';
import { openVictim, type Victim } from './victim.js';

/** What becomes of adversarial examples when another model reads them. */
export interface Transfer {
  readonly otherName: string;
  /** Share of rows that the other model gets right as they are. */
  readonly otherAccuracy: number;
  /** Accuracy of `[this, other]` on examples made against `[this, other]`: rows are whom they were made against. */
  readonly accuracies: readonly (readonly [onThis: number, onOther: number])[];
  /** Of the rows that both got right and this model was fooled on, the share that fools the other too; NaN of none. */
  readonly rate: number;
  /** The same the other way round. */
  readonly rateBack: number;
}

/** What is transferred. */
export interface TransferRequest {
  readonly rows: Rows;
  readonly input: AttackedInput;
  readonly victim: Victim;
  readonly prey: Prey;
  readonly plan: AttackPlan;
  readonly cleanGaps: Float64Array;
  readonly caught: Caught;
  readonly onBatch: (pointCount: number) => void;
}

/**
 * Shows another model the examples made against this one, and this one those made against the other.
 *
 * @throws UserError `other-model` when the other model does not take the same input or has other classes.
 */
export async function measureTransfer(
  context: AnalysisContext,
  path: string,
  request: TransferRequest,
): Promise<Transfer> {
  const { victim, prey, plan, cleanGaps, caught } = request;
  const model = convertToOpset17(soundModel(await readModel(resolve(path))));
  const other = await openOther(context, model, request);
  try {
    if (other.classCount !== victim.classCount) {
      throw unfit(
        path,
        `it has ${String(other.classCount)} classes and this model ${String(victim.classCount)}`,
      );
    }
    const gaps = async (of: Victim, values: Float32Array): Promise<Float64Array> =>
      gapsOf(await of.scores({ ...prey, values }), prey.classes, plan.isTargeted);
    const otherClean = await gaps(other, prey.values);
    const back = await attackRows(other, prey, { ...plan, stopsWhenFooled: false });
    const [forth, returned] = [await gaps(other, caught.values), await gaps(victim, back.values)];
    const both = [...cleanGaps.keys()].filter((i) => isRight(cleanGaps[i]) && isRight(otherClean[i]));
    return {
      otherName: basename(path),
      otherAccuracy: accuracyOf(otherClean),
      accuracies: [
        [accuracyOf(caught.gaps), accuracyOf(forth)],
        [accuracyOf(returned), accuracyOf(back.gaps)],
      ],
      rate: rateOf(both, caught.gaps, forth),
      rateBack: rateOf(both, back.gaps, returned),
    };
  } finally {
    await other.close();
  }
}

function openOther(
  context: AnalysisContext,
  model: Model,
  { rows, input, onBatch }: TransferRequest,
): Promise<Victim> {
  const names = model.graph.inputs
    .map(({ name }) => name)
    .filter((name) => !model.graph.initializers.has(name));
  const name = names.includes(input.name) ? input.name : names.length === 1 ? names[0] : undefined;
  const missing = names.filter((each) => each !== name && !(each in rows.feeds));
  if (name === undefined || missing.length > 0) {
    throw unfit(
      model.file.path,
      `it takes ${names.join(', ')}, and the data were read for ${Object.keys(rows.feeds).join(', ')}`,
    );
  }
  const own = rows.feeds[input.name];
  const feeds = own === undefined ? rows.feeds : { ...rows.feeds, [name]: own };
  return openVictim(context, {
    model,
    rows: { ...rows, feeds },
    input: { value: name, elementType: input.elementType, dims: input.dims },
    output: null,
    onBatch,
  });
}

function isRight(gap: number | undefined): boolean {
  return !((gap ?? NaN) > 0);
}

function accuracyOf(gaps: Float64Array): number {
  return [...gaps].filter(isRight).length / gaps.length;
}

function rateOf(both: readonly number[], source: Float64Array, target: Float64Array): number {
  const fooled = both.filter((i) => !isRight(source[i]));
  return fooled.filter((i) => !isRight(target[i])).length / fooled.length;
}

function unfit(path: string, problem: string): UserError {
  return new UserError(
    'other-model',
    `otherModel=${path} cannot be shown the same examples: ${problem}. Give a model of the same task that takes the same input.`,
  );
}
