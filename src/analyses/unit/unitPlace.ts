import { UserError } from '../../base/errors.js';
import { formatAddress, type ResolvedAddress, resolveAddress } from '../../onnx/addresses.js';
import type { Layer, LayerTable } from '../../onnx/layers/layer.js';
import type { StateRule } from '../shared/states.js';

/** What is measured of a neuron, and how it is judged. */
export interface UnitPlace {
  /** The neuron's address in its lasting form. */
  readonly address: string;
  /** Address of what is measured. */
  readonly measuredAt: string;
  /** Name for messages and targets: the layer or block that is measured. */
  readonly name: string;
  readonly value: string;
  /** What enters the activation that is measured; undefined where no activation is. */
  readonly entering: string | undefined;
  /** Axis of the units; from the end (negative) where the rank is open. */
  readonly unitAxis: number;
  readonly batchAxis: number;
  readonly unit: number;
  /** Coordinates on the position axes; undefined: all positions. */
  readonly position: readonly number[] | undefined;
  readonly isHead: boolean;
  readonly rule: StateRule;
  /** Completes "not judged: …"; undefined where the neuron has a state. */
  readonly whyNotJudged: string | undefined;
}

/**
 * Returns where a neuron is measured: at the activation that its layer is judged by, where it is judged, so that numbers
 * are those of health reports; else at its own output.
 *
 * @throws UserError as `resolveAddress` does, `unit-missing`, `unit-in-body`.
 */
export function unitPlaceOf(text: string, table: LayerTable): UnitPlace {
  const resolved = resolveAddress(text, table);
  const { address, unit, unitAxis } = resolved;
  if (resolved.isInBody) throw inBody(address);
  if (unit === undefined || unitAxis === null) throw unitMissing(resolved);
  const layer = resolved.layer === undefined ? undefined : table.byName.get(resolved.layer.name);
  const own = {
    address,
    measuredAt: address,
    name: resolved.name,
    value: resolved.value,
    entering: undefined,
    unitAxis,
    batchAxis: resolved.kind === 'layer' ? (layer?.batchAxis ?? 0) : 0,
    unit,
    position: resolved.position,
    isHead: resolved.kind === 'head',
    rule: { kind: 'unjudged' },
  } as const;
  if (resolved.kind === 'head') {
    return { ...own, whyNotJudged: 'a head gives probabilities' };
  }
  if (resolved.kind === 'hidden') return judgedAt(own, activationMaking(resolved.value, table));
  if (layer === undefined) throw new Error(`${address} is of no layer.`);
  const { states } = layer;
  if (states.kind === 'not-judged') return { ...own, whyNotJudged: notJudged(states) };
  const activation = table.byName.get(states.layer);
  const measuredAt = formatAddress({
    layer: states.layer,
    unit,
    ...(resolved.position === undefined ? {} : { position: resolved.position }),
  });
  return { ...judgedAt(own, activation), measuredAt, name: states.layer };
}

type OwnPlace = Omit<UnitPlace, 'whyNotJudged'>;

function judgedAt(own: OwnPlace, activation: Layer | undefined): UnitPlace {
  const family = activation?.family ?? null;
  if (activation === undefined || family === null) {
    return {
      ...own,
      whyNotJudged: 'what enters the down projection is a product, no output of an activation',
    };
  }
  return {
    ...own,
    value: activation.output,
    entering: activation.input ?? undefined,
    unitAxis: activation.unitAxis ?? own.unitAxis,
    batchAxis: activation.batchAxis,
    rule: family,
    whyNotJudged: undefined,
  };
}

function activationMaking(value: string, { layers }: LayerTable): Layer | undefined {
  return layers.find((layer) => layer.kind === 'activation' && layer.output === value);
}

function notJudged({ reason, next }: { readonly reason: string; readonly next: string | null }): string {
  return next === null ? reason : `${reason} (next activation: ${next})`;
}

function unitMissing({ address, name }: ResolvedAddress): UserError {
  return new UserError(
    'unit-missing',
    `${address} names no single neuron. Add its number: ${formatAddress({ layer: name, unit: 0 })}.`,
    { detail: { address } },
  );
}

function inBody(address: string): UserError {
  return new UserError(
    'unit-in-body',
    `${address} is inside an If, Loop or Scan body or a function, where values cannot be read yet. Choose a neuron of the main graph.`,
    { detail: { address } },
  );
}
