import { UserError } from '../../../base/errors.js';
import { type TensorValue, toFloat64 } from '../../../onnx/tensorValue.js';
import type { AnalysisContext } from '../../analysis.js';
import { channelAxisOf } from '../../shared/layout.js';
import { explainableInputs } from '../attribution/inputs.js';
import type { Rows } from '../attribution/rows.js';

/** The attacked input of the rows. */
export interface AttackedInput {
  readonly name: string;
  /** Without the row axis. */
  readonly dims: readonly number[];
  readonly channelAxis: number | undefined;
  readonly elementType: TensorValue['dtype'];
  readonly values: Float32Array;
  /** Names of the columns of a table. */
  readonly columnNames: readonly string[] | undefined;
}

/**
 * Returns the input that is attacked: the one named, or the first that holds floats.
 *
 * @throws UserError `no-continuous-input` when there is none.
 */
export function attackedInput(
  { model, data }: AnalysisContext,
  rows: Rows,
  wanted: string | null,
): AttackedInput {
  const usable = explainableInputs(model, rows.feeds).filter(({ origin }) => origin === 'input');
  const names = usable.map(({ name }) => name);
  const name = wanted ?? names[0];
  const feed = name !== undefined && names.includes(name) ? rows.feeds[name] : undefined;
  if (name === undefined || feed === undefined) {
    throw new UserError(
      'no-continuous-input',
      `${wanted === null ? 'No input of this model holds' : `The model has no input "${wanted}" that holds`} floating-point numbers, and an attack moves numbers by small steps.${names.length === 0 ? ' Token ids and bytes cannot be attacked this way.' : ` Set input to one of: ${names.join(', ')}.`}`,
    );
  }
  const dims = feed.dims.slice(1);
  return {
    name,
    dims,
    channelAxis: channelAxisOf(model, name, dims),
    elementType: feed.dtype,
    values: Float32Array.from(toFloat64(feed)),
    columnNames: data?.columnNames?.[name],
  };
}
