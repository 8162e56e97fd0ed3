import type { FollowUp } from './parts.js';
import type { SettingValues } from './settings.js';

/**
 * Returns the name of a piece that is drawn at `place` among `drawn` places along each axis: its position, or the first and
 * the last of those it stands for (`3,4`, `0,120,9,129`), as pieces of equal length share `sizes` positions.
 */
export function partName(
  sizes: readonly number[],
  drawn: readonly number[],
  place: readonly number[],
): string {
  const edge = (axis: number, at: number): number =>
    Math.floor((at * (sizes[axis] ?? 1)) / (drawn[axis] ?? 1));
  const first = place.map((at, axis) => edge(axis, at));
  const last = place.map((at, axis) => Math.max(first[axis] ?? 0, edge(axis, at + 1) - 1));
  return (first.join() === last.join() ? first : [...first, ...last]).join(',');
}

/** Returns the settings of the run that answers a question about a piece. */
export function followUpSettings(
  followUp: FollowUp,
  part: { readonly item: SettingValues; readonly name: string },
  chosen?: string,
): SettingValues {
  const { settings, takes, choice } = followUp;
  const choices = choice === undefined ? {} : { [choice.setting]: chosen ?? choice.value };
  return { ...settings, ...part.item, [takes]: part.name, ...choices };
}
