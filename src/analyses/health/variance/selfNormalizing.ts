import type { LayerTable } from '../../../onnx/layers/layer.js';
import type { Finding } from '../../../protocol/report.js';
import { formatAddress } from '../../../onnx/addresses.js';
import type { PropagatedActivation } from './propagation.js';
import { type WeightMoments, weightMomentsOf } from './weightMoments.js';

/** Lower bound of SELU, −α λ. */
const seluLow = -1.7580993408473766;

/** Tells whether an activation is SELU, one operator or several. */
export function isSelu({ layer }: PropagatedActivation): boolean {
  const { family, operator } = layer;
  return operator === 'Selu' || (family?.kind === 'exponential' && Math.abs(family.low - seluLow) < 1e-3);
}

/** A layer in front of SELU, whose weights LeCun's initialisation would have drawn with fan-in · Var w = 1. */
export interface LecunCheck {
  readonly layer: string;
  readonly weights: WeightMoments;
  /** fan-in · Var w. */
  readonly ratio: number;
  readonly isConsistent: boolean;
}

/** How far fan-in · Var w may be from 1: what a draw of this many weights and a little training explain. */
const lecunTolerance = 0.2;

/** Checks the weights in front of every SELU. */
export async function lecunChecks(
  activations: readonly PropagatedActivation[],
  table: LayerTable,
): Promise<LecunCheck[]> {
  const checks: LecunCheck[] = [];
  for (const { target } of activations.filter(isSelu)) {
    const layer = table.layers.find(
      ({ kind, output }) => (kind === 'dense' || kind === 'conv') && output === target.entering,
    );
    const weights = layer === undefined ? undefined : await weightMomentsOf(layer, table);
    if (layer === undefined || weights === undefined) continue;
    const ratio = weights.fanIn * (weights.square - weights.mean ** 2);
    const tolerance = lecunTolerance + 4 * Math.sqrt(2 / weights.count);
    checks.push({ layer: layer.name, weights, ratio, isConsistent: Math.abs(ratio - 1) <= tolerance });
  }
  return checks;
}

/** Tells whether mean and variance are at the fixed point (0, 1), about. */
function isAtFixedPoint({ leaving }: PropagatedActivation): boolean {
  return Math.abs(leaving.mean) <= 0.1 && Math.abs(leaving.variance - 1) <= 0.2;
}

/** Returns what keeps a network with SELU from normalising itself. */
export function selfNormalizingFindings(
  activations: readonly PropagatedActivation[],
  checks: readonly LecunCheck[],
  { views: [view] }: LayerTable,
): Finding[] {
  const findings: Finding[] = [];
  const selus = activations.filter(isSelu);
  for (const { layer, ratio, isConsistent } of checks) {
    if (isConsistent) continue;
    findings.push({
      severity: 'warning',
      address: formatAddress({ layer }),
      message: `Fan-in × variance of the weights of ${layer} is ${ratio.toPrecision(3)}, and SELU keeps (0, 1) only near 1${Math.abs(ratio - 2) < 0.4 ? '; 2 is He’s initialisation' : ''}.`,
      advice:
        'Initialise the layers in front of SELU with LeCun’s normal (variance 1/fan-in) and zero biases.',
    });
  }
  for (const node of view?.graph.nodes.filter(({ opType }) => opType === 'Dropout') ?? []) {
    const fed = selus.find(({ target }) => node.inputs[0] === target.leaving);
    if (fed === undefined) continue;
    findings.push({
      severity: 'warning',
      address: formatAddress({ layer: fed.layer.name }),
      message: `A plain Dropout follows SELU at ${fed.layer.name}: in training it moves mean and variance away from (0, 1).`,
      advice: 'Use alpha dropout, which sets units to −αλ and rescales, so that both moments stay.',
    });
  }
  const last = selus.at(-1);
  if (last !== undefined) findings.push(fixedPointFinding(last));
  return findings;
}

function fixedPointFinding(last: PropagatedActivation): Finding {
  const { mean, variance } = last.leaving;
  const isThere = isAtFixedPoint(last);
  return {
    severity: isThere ? 'info' : 'warning',
    address: formatAddress({ layer: last.layer.name }),
    message: `After the last SELU, ${last.layer.name}, mean and variance are ${mean.toPrecision(2)} and ${variance.toPrecision(3)}: ${isThere ? 'at' : 'away from'} the fixed point (0, 1).`,
    advice: isThere
      ? 'Nothing to do.'
      : 'Look for the first layer whose variance leaves 1; its weights or its input are not normalised.',
  };
}
