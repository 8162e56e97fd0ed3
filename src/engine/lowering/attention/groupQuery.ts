import { floatAttribute, intAttribute } from '../../../onnx/model.js';
import { formUnsupported } from '../../gradients/gradientErrors.js';
import { emitRotation } from '../entries/rotary.js';
import { type Composite, microsoft } from '../entry.js';
import {
  emitAttention,
  emitCount,
  emitHeads,
  emitMaskBias,
  emitMergedHeads,
  maskedScore,
} from './scaledDotProduct.js';

/** Heads of a GroupQueryAttention: q [B, N, T, w]; k and v [B, K, T, w], new ones only. */
interface NewHeads {
  readonly q: string;
  readonly k: string;
  readonly v: string;
}

/** Where the new tokens stand: `before` [B, 1] tokens came earlier; the T positions are [B, T]. */
interface Places {
  readonly before: string;
  readonly positions: string;
}

/**
 * GroupQueryAttention: causal attention in which N/K query heads share a key head.
 *
 * `seqlens_k` tells per row how many tokens there are, less one. In the first run none is in the past; later the cache's
 * first tokens are, and the new ones follow them.
 */
export const groupQueryAttention = microsoft('GroupQueryAttention', (composite) => {
  const { node, input } = composite;
  if (input(12) !== undefined || input(13) !== undefined) throw formUnsupported(node, 'a quantised cache');
  const heads = newHeads(composite);
  const places = placesOf(composite, heads.k);
  const isRotated = intAttribute(node, 'do_rotary', 0) === 1;
  const q = isRotated ? rotated(composite, heads.q, places) : heads.q;
  const newK = isRotated ? rotated(composite, heads.k, places) : heads.k;
  const k = cached(composite, { past: input(3), added: newK, places });
  const v = cached(composite, { past: input(4), added: heads.v, places });
  return [attend(composite, { q, k, v }, places), k, v];
});

function newHeads(composite: Composite): NewHeads {
  const { node, emit, inputs, input } = composite;
  const [queryHeads, keyHeads] = [intAttribute(node, 'num_heads', 1), intAttribute(node, 'kv_num_heads', 1)];
  const [query = '', key = '', value = ''] = inputs;
  if (input(1) !== undefined) {
    return {
      q: emitHeads(emit, query, queryHeads),
      k: emitHeads(emit, key, keyHeads),
      v: emitHeads(emit, value, keyHeads),
    };
  }
  const all = emitHeads(emit, query, queryHeads + 2 * keyHeads);
  const outputs = ['q', 'k', 'v'].map((part) => emit.builder.freshName(`ni/${part}`));
  emit.builder.node('Split', [all, emit.ints([queryHeads, keyHeads, keyHeads])], {
    attributes: { axis: 1 },
    outputs,
  });
  const [q = '', k = '', v = ''] = outputs;
  return { q, k, v };
}

function placesOf({ emit, inputs, input }: Composite, k: string): Places {
  const count = emit.shape(k, 2, 3);
  const lengths = emit.reshapeTo(emit.castTo(inputs[5] ?? '', 'int64'), [-1, 1]);
  const total = emit.reshapeTo(emit.castTo(inputs[6] ?? '', 'int64'), [1]);
  const earlier = emit.sub(emit.add(lengths, emit.ints([1])), count);
  const isFirst = emit.node('Equal', [total, count]);
  const before = emit.where(isFirst, emit.mul(earlier, emit.ints([0])), earlier);
  const given = input(9);
  return { before, positions: given ?? emit.add(before, emitCount(emit, count)) };
}

function rotated({ node, emit, inputs }: Composite, x: string, { positions }: Places): string {
  const rows = (table: string): string => emit.unsqueeze(emit.node('Gather', [table, positions]), [1]);
  const isInterleaved = intAttribute(node, 'rotary_interleaved', 0) === 1;
  return emitRotation(emit, { x, cos: rows(inputs[7] ?? ''), sin: rows(inputs[8] ?? ''), isInterleaved });
}

/** The cache with the new tokens behind the earlier ones of each row: [B, K, S, w]. */
function cached(
  { emit, inputs }: Composite,
  {
    past,
    added,
    places,
  }: { readonly past: string | undefined; readonly added: string; readonly places: Places },
): string {
  if (past === undefined) return added;
  const size = emit.shape(past, 2, 3);
  const total = emit.reshapeTo(emit.castTo(inputs[6] ?? '', 'int64'), [1]);
  const length = emit.node('Max', [size, total]);
  const both = emit.concat([past, added], 2);
  const place = emitCount(emit, length);
  // Place s holds the past's s-th token, or the (s − before)-th new one, which stands behind the whole past.
  const fromNew = emit.node('Min', [
    emit.add(emit.sub(place, places.before), size),
    emit.sub(emit.shape(both, 2, 3), emit.ints([1])),
  ]);
  const from = emit.where(emit.less(place, places.before), place, fromNew);
  const shape = emit.concat([emit.shape(both, 0, 2), length, emit.shape(both, 3, 4)], 0);
  const index = emit.node('Expand', [emit.unsqueeze(from, [1, 3]), shape]);
  return emit.node('GatherElements', [both, index], { axis: 2 });
}

function attend(composite: Composite, { q, k, v }: NewHeads, places: Places): string {
  const { node, emit, input } = composite;
  const [queryHeads, keyHeads] = [intAttribute(node, 'num_heads', 1), intAttribute(node, 'kv_num_heads', 1)];
  const grouped = emit.reshape(
    q,
    emit.concat([emit.ints([0, keyHeads, queryHeads / keyHeads]), emit.shape(q, 2)], 0),
  );
  const bias = input(10);
  const given = floatAttribute(node, 'scale', 0);
  const width = emit.castTo(emit.shape(q, -1), emit.elementType);
  const result = emitAttention(emit, {
    q: grouped,
    k: emit.unsqueeze(k, [2]),
    v: emit.unsqueeze(v, [2]),
    rank: 5,
    scale: given === 0 ? emit.node('Reciprocal', [emit.node('Sqrt', [width])]) : given,
    cap: floatAttribute(node, 'softcap', 0),
    biases: [causalBias(composite, k, places), ...(bias === undefined ? [] : [emit.unsqueeze(bias, [1])])],
    ...sinkOf(composite),
  });
  return emitMergedHeads(emit, emit.reshapeLike(result, q));
}

/** Keys are seen up to the query's own place, and not further back than the window: [B, 1, 1, T, S]. */
function causalBias({ node, emit }: Composite, k: string, { before, positions }: Places): string {
  const window = intAttribute(node, 'local_window_size', -1);
  const own = emit.unsqueeze(emit.add(before, emitCount(emit, emit.shape(positions, 1, 2))), [2]);
  const key = emitCount(emit, emit.shape(k, 2, 3));
  const isSeen = emit.node('LessOrEqual', [key, own]);
  const isNear =
    window < 0 ? isSeen : emit.node('And', [isSeen, emit.greater(key, emit.sub(own, emit.ints([window])))]);
  return emit.unsqueeze(emitMaskBias(emit, isNear, maskedScore), [1, 2]);
}

function sinkOf({ node, emit, input }: Composite): { readonly sink?: string } {
  const sinks = input(11);
  const keyHeads = intAttribute(node, 'kv_num_heads', 1);
  const perGroup = intAttribute(node, 'num_heads', 1) / keyHeads;
  if (sinks !== undefined) return { sink: emit.reshapeTo(sinks, [1, keyHeads, perGroup, 1, 1]) };
  return intAttribute(node, 'smooth_softmax', 0) === 1 ? { sink: emit.scalar(0) } : {};
}
