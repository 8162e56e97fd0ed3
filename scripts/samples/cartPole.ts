import type { Random } from '../../src/base/random.js';

/** A cart with a pole on it: position (m) and velocity of the cart, angle (rad) and angular velocity of the pole. */
export type CartState = readonly [position: number, velocity: number, angle: number, spin: number];

/** What each number of a state is called. */
export const cartColumns = ['cart_position', 'cart_velocity', 'pole_angle', 'pole_velocity'] as const;

const physics = { gravity: 9.8, cartMass: 1, poleMass: 0.1, halfLength: 0.5, force: 10, stepSeconds: 0.02 };

/** Where an episode ends: metres off the middle, radians off the upright. */
const limits = { position: 2.4, angle: 0.2095 };

/**
 * Returns the state a fiftieth of a second after the cart was pushed left (0) or right (1).
 *
 * Source: Barto, Sutton & Anderson (1983), "Neuronlike adaptive elements that can solve difficult learning control
 * problems", https://doi.org/10.1109/TSMC.1983.6313077, without friction.
 */
export function stepCart([position, velocity, angle, spin]: CartState, action: number): CartState {
  const { gravity, cartMass, poleMass, halfLength, force, stepSeconds } = physics;
  const mass = cartMass + poleMass;
  const push = action === 1 ? force : -force;
  const shared = (push + poleMass * halfLength * spin ** 2 * Math.sin(angle)) / mass;
  const spinRate =
    (gravity * Math.sin(angle) - Math.cos(angle) * shared) /
    (halfLength * (4 / 3 - (poleMass * Math.cos(angle) ** 2) / mass));
  const acceleration = shared - (poleMass * halfLength * spinRate * Math.cos(angle)) / mass;
  return [
    position + stepSeconds * velocity,
    velocity + stepSeconds * acceleration,
    angle + stepSeconds * spin,
    spin + stepSeconds * spinRate,
  ];
}

/** Tells whether the cart ran off its track or the pole fell. */
export function hasFallen([position, , angle]: CartState): boolean {
  return Math.abs(position) > limits.position || Math.abs(angle) > limits.angle;
}

/** The teacher: pushes towards where a linear feedback of the state wants the cart. */
export function teacherAction([position, velocity, angle, spin]: CartState): number {
  return 0.6 * position + 1.2 * velocity + 20 * angle + 3.5 * spin > 0 ? 1 : 0;
}

/** Returns a state to start from, as far off balance as the teacher can still mend most of the time. */
export function startState(random: Random): CartState {
  const within = (size: number): number => (2 * random.next() - 1) * size;
  return [within(2), within(1), within(0.15), within(1)];
}

/** Steps that a return looks ahead. */
const horizon = 200;

/** Returns Σ γᵗ (1 − 0.5 (x / limit)² − 0.5 (angle / limit)²) along the teacher's path, until the pole falls, times 1 − γ. */
export function teacherReturn(from: CartState, discount: number): number {
  let [state, weight, sum]: [CartState, number, number] = [from, 1, 0];
  for (let step = 0; step < horizon && !hasFallen(state); step++) {
    const [position, , angle] = state;
    sum += weight * (1 - 0.5 * (position / limits.position) ** 2 - 0.5 * (angle / limits.angle) ** 2);
    weight *= discount;
    state = stepCart(state, teacherAction(state));
  }
  return sum * (1 - discount);
}
