import { intervene, type Intervention } from '../../../engine/rewrites/intervene.js';
import type { Region } from '../../../engine/interventions/selection.js';
import { float32Tensor } from '../../../onnx/tensorValue.js';
import type { AnalysisContext } from '../../analysis.js';
import { createLossMeter, type LossMeter } from './loss.js';
import type { MassiveUnit } from './measure.js';

/** Loss of the model as it is, and with the massive entries of the first state that has any set to 0 and to their mean. */
export interface ChangedLosses {
  readonly state: string;
  readonly answers: LossMeter['answers'];
  readonly count: number;
  readonly untouched: number;
  readonly zero: number;
  readonly mean: number;
}

/** Units changed at most: a state with more is not what the question is about. */
const maxUnitCount = 16;

/** Measures what massive entries do; a reason, to stand behind "not measured: ", where there is no loss or no entry. */
export async function measureChanges(
  context: AnalysisContext,
  units: readonly MassiveUnit[],
  sampleCount: number,
): Promise<ChangedLosses | string> {
  const [first] = units;
  if (first === undefined) return 'no entry is massive';
  const own = units.filter(({ figures }) => figures === first.figures).slice(0, maxUnitCount);
  const meter = await createLossMeter(context, sampleCount);
  if (typeof meter === 'string') return meter;
  const lossWith = (changeOf: (unit: MassiveUnit) => Intervention[]) =>
    meter.of(intervene(context.model, own.flatMap(changeOf)));
  const untouched = await lossWith(() => []);
  if (typeof untouched === 'string') return untouched;
  const zero = await lossWith((unit) => [interventionOn(unit, 0)]);
  const mean = await lossWith((unit) => [interventionOn(unit, unit.mean)]);
  if (typeof zero === 'string' || typeof mean === 'string') return 'the changed model has no loss';
  const { count, loss } = untouched;
  const state = first.figures.state.target.layer;
  return { state, answers: meter.answers, count, untouched: loss, zero: zero.loss, mean: mean.loss };
}

/** Sets a unit to a number at every position at which it was massive. */
function interventionOn({ figures, unit, positions }: MassiveUnit, to: number): Intervention {
  const { target } = figures.state;
  const { leaving: value, rank, unitAxis, rowsPerSample } = target;
  const axes = Array.from({ length: rank }, (_, axis) => axis).filter(
    (axis) => axis > 0 && axis !== unitAxis,
  );
  const whereAny = positions.map((position): Region => [
    { axis: unitAxis, indices: [unit] },
    // Positions that were folded into the batch cannot be told apart there: the unit is changed at all of them.
    ...(rowsPerSample > 1 ? [] : axes.map((axis, i) => ({ axis, indices: [position[i] ?? 0] }))),
  ]);
  return { value, rank, change: { kind: 'replace', by: float32Tensor([to], []) }, whereAny };
}
