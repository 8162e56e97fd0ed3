import type { InputSpec, TextSpec } from '../../protocol/inspectFile.js';
import { shapeMismatch } from '../dataErrors.js';
import { allocateElements } from '../namedArray.js';
import type { FieldInfo, RawValue, SourceRequest } from '../sampleSource.js';
import { type RoledInput, textRoles } from './textRoles.js';
import type { Tokenizer } from './tokenizer.js';

/** How texts become rows of tokens. */
export interface TextPlan {
  readonly roles: readonly RoledInput[];
  readonly idsName: string;
  /** Tokens of a row, prefix and suffix included, at most. */
  readonly length: number;
  /** Rows are all of `length`: shorter ones are padded, and the mask says where. */
  readonly isPadded: boolean;
  /** The model takes no row of another length. */
  readonly isFixed: boolean;
  /** Tokens of text in a row. */
  readonly contentLength: number;
  readonly hop: number;
  readonly spec: InputSpec;
  readonly assumptions: readonly string[];
}

/** Tokens of a row where neither the model nor the inspect file says. */
const defaultLength = 64;

/**
 * Decides how long rows are and whether they are padded.
 *
 * @throws UserError when no input takes tokens, or nothing fits beside the tokens that the tokenizer adds.
 */
export function planText(request: SourceRequest, tokenizer: Tokenizer): TextPlan {
  const { targets, spec, path } = request;
  const roles = textRoles(targets, spec, path);
  const ids = roles.find(({ role }) => role === 'ids')?.target;
  if (ids === undefined) throw new Error('Roles always hold one for the ids.');
  const written = spec?.inputs[ids.name]?.text ?? {};
  const fixed = ids.sampleShape?.[0];
  const isFixed = typeof fixed === 'number';
  const assumptions: string[] = [];
  if (!isFixed && written.length === undefined) {
    assumptions.push(`rows of ${defaultLength} tokens ("text": {"length": …})`);
  }
  const length = isFixed ? fixed : (written.length ?? defaultLength);
  if (written.length !== undefined && written.length !== length) {
    throw shapeMismatch(
      `Input "${ids.name}" takes ${length} tokens, and the .inspect.json says "length": ${written.length}. Correct it, or leave it out.`,
      { input: ids.name, length },
    );
  }
  const contentLength = length - tokenizer.prefix.length - tokenizer.suffix.length;
  if (contentLength < 1) {
    throw shapeMismatch(
      `Input "${ids.name}" takes ${length} tokens, which the tokenizer's own (${tokenizer.prefix.length + tokenizer.suffix.length}) fill. Write a larger "length".`,
      { input: ids.name, length },
    );
  }
  const text: TextSpec = { ...written, length };
  const hasMask = roles.some(({ role }) => role === 'mask');
  return {
    roles,
    idsName: ids.name,
    length,
    isPadded: hasMask && (isFixed || written.length !== undefined),
    isFixed,
    contentLength,
    hop: written.hop ?? contentLength,
    spec: { layout: 'NT', ...fromOf(spec?.inputs[ids.name]), text },
    assumptions,
  };
}

function fromOf(spec: InputSpec | undefined): Pick<InputSpec, 'from'> {
  return spec?.from === undefined ? {} : { from: spec.from };
}

/** Returns what is known of every input before a text is read. */
export function textFields({ roles, length, spec, assumptions }: TextPlan): Map<string, FieldInfo> {
  const plain = { isImage: false, isPixels: false };
  return new Map(
    roles.map(({ target, role }): [string, FieldInfo] => {
      const isConstant = role === 'flag';
      const dims = role === 'past' ? pastDims(target.sampleShape) : isConstant ? [1] : [length];
      if (role === 'past' || isConstant) {
        return [target.name, { ...plain, dims, isConstant, isDerived: true }];
      }
      const isIds = role === 'ids';
      const reading = {
        storedAxes: 'T',
        modelAxes: 'T',
        spec: isIds ? spec : { layout: 'NT' },
        assumptions: isIds ? assumptions : [],
      };
      return [target.name, { ...plain, dims, isConstant, isDerived: !isIds, reading }];
    }),
  );
}

/** No earlier tokens: open sizes are 0. */
function pastDims(shape: RoledInput['target']['sampleShape']): number[] {
  return (shape ?? []).map((dim) => (typeof dim === 'number' ? dim : 0));
}

/** Returns one row for every input: the tokenizer's own tokens around those of the text, cut and padded as planned. */
export function rowValues(
  plan: TextPlan,
  tokenizer: Tokenizer,
  content: Int32Array,
): ReadonlyMap<string, RawValue> {
  const { prefix, suffix, padId = 0 } = tokenizer;
  const tokens = [...prefix, ...content.subarray(0, plan.contentLength), ...suffix];
  const length = plan.isPadded ? plan.length : tokens.length;
  const row = (valueAt: (at: number) => number): RawValue => ({
    kind: 'array',
    dtype: 'int32',
    dims: [length],
    data: Int32Array.from({ length }, (_, at) => valueAt(at)),
  });
  const valueOf = ({ role, target }: RoledInput): RawValue => {
    switch (role) {
      case 'ids':
        return row((at) => tokens[at] ?? padId);
      case 'mask':
        return row((at) => (at < tokens.length ? 1 : 0));
      case 'positions':
        return row((at) => Math.min(at, tokens.length - 1));
      case 'types':
        return row(() => 0);
      case 'past': {
        const data = allocateElements(target.elementType, 0);
        return { kind: 'array', dtype: target.elementType, dims: pastDims(target.sampleShape), data };
      }
      case 'flag':
        return { kind: 'array', dtype: 'bool', dims: [1], data: Uint8Array.of(0) };
    }
  };
  return new Map(plan.roles.map((input) => [input.target.name, valueOf(input)]));
}
