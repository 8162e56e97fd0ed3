import { UserError } from '../../../base/errors.js';
import type { Feeds } from '../../../engine/runtime/session.js';
import type { Model } from '../../../onnx/model.js';
import { elementCountOf, type TensorValue } from '../../../onnx/tensorValue.js';
import { channelAxisOf } from '../layout.js';

/** An input that is moved along a gradient. */
export interface MovableInput {
  readonly name: string;
  /** Its shape, rows first. */
  readonly dims: readonly number[];
  /** Axis of channels, row axis counted; undefined where there is none. */
  readonly channelAxis: number | undefined;
  /** Axes of positions, row axis counted; none where elements are features without neighbours. */
  readonly positionAxes: readonly number[];
  /** Axis whose places each have a range of their own; undefined: one range for all. */
  readonly rangeAxis: number | undefined;
}

/**
 * Returns the first input that holds float32 numbers and more than one of them.
 *
 * @throws UserError `nothing-to-move` when there is none.
 */
export function movableInput(
  model: Model,
  feeds: Feeds,
): MovableInput & { readonly value: TensorValue; readonly heldNames: readonly string[] } {
  const names = model.graph.inputs.map(({ name }) => name);
  for (const name of names) {
    const value = feeds[name];
    if (value?.dtype !== 'float32' || elementCountOf(value.dims.slice(1)) < 2) continue;
    const heldNames = Object.keys(feeds).filter((other) => other !== name);
    return { name, value, heldNames, ...axesOf(model, name, value.dims) };
  }
  const types = names.map((name) => `${name}: ${feeds[name]?.dtype ?? 'not fed'}`).join(', ');
  throw new UserError(
    'nothing-to-move',
    `No input of this model holds float32 numbers that could be moved along a gradient (inputs: ${types}). Choose a model that takes images or other real numbers; of token ids no step leads to others.`,
  );
}

function axesOf(model: Model, name: string, dims: readonly number[]): Omit<MovableInput, 'name'> {
  const channelAxis = channelAxisOf(model, name, dims.slice(1));
  const hasPositions = dims.length > 2;
  const positionAxes = dims.map((_, axis) => axis).filter((axis) => axis > 0 && axis !== channelAxis);
  return {
    dims,
    channelAxis,
    positionAxes: hasPositions ? positionAxes : [],
    rangeAxis: hasPositions ? channelAxis : undefined,
  };
}
