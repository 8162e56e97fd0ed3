import { dataTypeFacts } from '../../onnx/dataTypes.js';
import type { DataSpec } from '../../protocol/inspectFile.js';
import { fieldMissing, shapeMismatch } from '../dataErrors.js';
import { formatShape, type InputTarget } from '../inputTargets.js';

/** What an input of a language model takes. */
export type TextRole =
  /** The tokens: [N, T]. */
  | 'ids'
  /** 1, and 0 where a position is padding. */
  | 'mask'
  /** 0, 1, 2 … along the row. */
  | 'positions'
  /** Which of two texts a token belongs to: 0. */
  | 'types'
  /** Keys and values of earlier tokens, of which there are none: [N, heads, 0, width]. */
  | 'past'
  /** Whether there are earlier tokens: no. */
  | 'flag';

/** An input and what it takes. */
export interface RoledInput {
  readonly target: InputTarget;
  readonly role: TextRole;
}

/**
 * Tells what each input of a model takes when it is fed with text.
 *
 * @throws UserError when no input takes tokens, or one takes something that text does not say.
 */
export function textRoles(
  targets: readonly InputTarget[],
  spec: DataSpec | undefined,
  path: string,
): readonly RoledInput[] {
  const written = targets.find(({ name }) => spec?.inputs[name]?.text !== undefined);
  const ids = written ?? idsInput(targets);
  if (ids === undefined) {
    const shapes = targets.map(({ name, shape }) => `${name} ${formatShape(shape ?? [])}`).join(', ');
    throw shapeMismatch(
      `Texts feed an input of token ids, integers of shape [N, T], and this model has none (${shapes}). Give arrays (.npz).`,
      { inputs: targets.map(({ name }) => name) },
    );
  }
  return targets.map((target): RoledInput => {
    const role = target === ids ? 'ids' : roleByName(target);
    if (role !== undefined) return { target, role };
    throw fieldMissing(path, `values for the input "${target.name}", which no text tells`, [
      'token ids, attention masks, positions, token types and empty past keys and values',
    ]);
  });
}

/**
 * Returns what each input of a language model takes; undefined when one takes something else, or none takes tokens. `idsName`
 * is the input that is known to take them.
 */
export function languageInputs(
  targets: readonly InputTarget[],
  idsName?: string,
): readonly RoledInput[] | undefined {
  const ids = idsName === undefined ? idsInput(targets) : targets.find(({ name }) => name === idsName);
  if (ids === undefined) return undefined;
  const roled: RoledInput[] = [];
  for (const target of targets) {
    const role = target === ids ? 'ids' : roleByName(target);
    if (role !== undefined) roled.push({ target, role });
  }
  return roled.length === targets.length ? roled : undefined;
}

/** Returns the input that holds token ids, by its name or as the only one of its shape; undefined when there is none. */
export function idsInput(targets: readonly InputTarget[]): InputTarget | undefined {
  return targets.find(isIds) ?? onlyTokens(targets);
}

function isTokens({ elementType, sampleShape }: InputTarget): boolean {
  return (elementType === 'int64' || elementType === 'int32') && sampleShape?.length === 1;
}

function isIds(target: InputTarget): boolean {
  return isTokens(target) && /(^|[._/])(input_?ids|ids|tokens?|token_?ids|input)$/i.test(target.name);
}

function onlyTokens(targets: readonly InputTarget[]): InputTarget | undefined {
  const left = targets.filter((target) => isTokens(target) && roleByName(target) === undefined);
  return left.length === 1 ? left[0] : undefined;
}

function roleByName(target: InputTarget): TextRole | undefined {
  const { name, elementType, sampleShape, shape } = target;
  if (/past|cache/i.test(name)) {
    if (elementType === 'bool') return 'flag';
    return dataTypeFacts(elementType).isFloat && sampleShape?.length === 3 ? 'past' : undefined;
  }
  if (shape !== null && sampleShape?.length !== 1) return undefined;
  if (/mask/i.test(name)) return 'mask';
  if (/position/i.test(name)) return 'positions';
  return /token_?type|segment/i.test(name) ? 'types' : undefined;
}
