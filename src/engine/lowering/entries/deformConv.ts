import { type GraphNode, intAttribute, intsAttribute } from '../../../onnx/model.js';
import type { Emitter } from '../../gradients/emitter.js';
import { gradientNeeds } from '../../gradients/gradientErrors.js';
import { shapeOf } from '../../gradients/staticShapes.js';
import { type Composite, lowering } from '../entry.js';

/** What a deformable convolution of images is made of; sizes along height and width. */
interface Deformed {
  readonly kernel: readonly [height: number, width: number];
  readonly strides: readonly number[];
  readonly dilations: readonly number[];
  readonly padsBegin: readonly number[];
  readonly group: number;
  readonly offsetGroup: number;
  readonly channels: number;
}

/** DeformConv: GridSample at every tap's own place, times the mask, and a product with the weight. */
export const deformConv = lowering({ opType: 'DeformConv', domain: '', first: 19 }, (composite) => {
  const { emit, inputs, input } = composite;
  const [x = '', weight = '', offset = ''] = inputs;
  const form = formOf(composite);
  const { group, channels, kernel } = form;
  const tapCount = kernel[0] * kernel[1];
  const [height, width] = [emit.shape(offset, 2, 3), emit.shape(offset, 3, 4)];
  const sampled = emit.node(
    'GridSample',
    [perOffsetGroup(emit, x, form), gridOf(emit, { x, offset, form })],
    {
      align_corners: 0,
      padding_mode: 'zeros',
    },
  );
  const taps = emit.reshape(
    sampled,
    emit.concat([emit.ints([-1, channels / form.offsetGroup, tapCount]), height, width], 0),
  );
  const mask = input(4);
  const masked =
    mask === undefined
      ? taps
      : emit.mul(taps, emit.reshape(mask, emit.concat([emit.ints([-1, 1, tapCount]), height, width], 0)));
  // [N, G, C/G·taps, positions] against [G, M/G, C/G·taps]
  const columns = emit.reshape(
    masked,
    emit.concat([emit.shape(x, 0, 1), emit.ints([group, (channels / group) * tapCount, -1])], 0),
  );
  const rows = emit.reshapeTo(weight, [group, -1, (channels / group) * tapCount]);
  const product = emit.node('MatMul', [rows, columns]);
  const result = emit.reshape(product, emit.concat([emit.shape(x, 0, 1), emit.ints([-1]), height, width], 0));
  const bias = input(3);
  return [bias === undefined ? result : emit.add(result, emit.reshapeTo(bias, [-1, 1, 1]))];
});

function formOf({ context, node, inputs: [x = '', weight = ''] }: Composite): Deformed {
  const size = (value: string, axis: number): number => knownSize(node, shapeOf(context, value)[axis], value);
  return {
    kernel: [size(weight, 2), size(weight, 3)],
    strides: intsAttribute(node, 'strides') ?? [1, 1],
    dilations: intsAttribute(node, 'dilations') ?? [1, 1],
    padsBegin: (intsAttribute(node, 'pads') ?? [0, 0]).slice(0, 2),
    group: intAttribute(node, 'group', 1),
    offsetGroup: intAttribute(node, 'offset_group', 1),
    channels: size(x, 1),
  };
}

function knownSize(node: GraphNode, size: unknown, value: string): number {
  if (typeof size !== 'number') throw gradientNeeds(node, `the channels and the kernel of "${value}"`);
  return size;
}

/** [N, C, H, W] → [N·groups, C/groups, H, W] */
function perOffsetGroup(emit: Emitter, x: string, { offsetGroup, channels }: Deformed): string {
  return emit.reshape(x, emit.concat([emit.ints([-1, channels / offsetGroup]), emit.shape(x, 2)], 0));
}

interface Offsets {
  readonly x: string;
  readonly offset: string;
  readonly form: Deformed;
}

/** Places as a grid from −1 to 1 over the whole pixels: [N·groups, taps·H, W, 2]. */
function gridOf(emit: Emitter, { x, offset, form }: Offsets): string {
  const { kernel } = form;
  const tapCount = kernel[0] * kernel[1];
  const sizes = emit.shape(offset, 2);
  // [N·groups, taps, 2, H, W]: down, then right
  const own = emit.reshape(offset, emit.concat([emit.ints([-1, tapCount, 2]), sizes], 0));
  const along = (axis: 0 | 1): string => {
    const moved = emit.node('Gather', [own, emit.intScalar(axis)], { axis: 2 });
    const place = emit.add(moved, regularPlaces(emit, { sizes, axis, form }));
    const length = emit.castTo(emit.shape(x, axis + 2, axis + 3), emit.elementType);
    // Place p is the middle of pixel p: (2p + 1)/length − 1.
    const scaled = emit.div(emit.add(emit.scale(place, 2), emit.scalar(1)), length);
    return emit.unsqueeze(emit.sub(scaled, emit.scalar(1)), [4]);
  };
  const grid = emit.concat([along(1), along(0)], 4);
  const shape = emit.concat([emit.ints([0, -1]), emit.shape(offset, 3, 4), emit.ints([2])], 0);
  return emit.reshape(grid, shape);
}

/** Where a tap would read without an offset: o·stride − pad + tap·dilation, [taps, H, 1] or [taps, 1, W]. */
function regularPlaces(
  emit: Emitter,
  { sizes, axis, form }: { readonly sizes: string; readonly axis: 0 | 1; readonly form: Deformed },
): string {
  const [rows, columns] = form.kernel;
  const starts = Array.from({ length: rows * columns }, (_, tap) => {
    const at = axis === 0 ? Math.floor(tap / columns) : tap % columns;
    return at * (form.dilations[axis] ?? 1) - (form.padsBegin[axis] ?? 0);
  });
  const count = emit.node('Gather', [sizes, emit.intScalar(axis)]);
  const steps = emit.node('Range', [emit.intScalar(0), count, emit.intScalar(1)]);
  const strided = emit.mul(steps, emit.ints([form.strides[axis] ?? 1]));
  const shaped = axis === 0 ? emit.unsqueeze(strided, [1]) : strided;
  return emit.castTo(emit.add(emit.reshapeTo(emit.ints(starts), [-1, 1, 1]), shaped), emit.elementType);
}
