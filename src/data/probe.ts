import { type DataType, dataTypeFacts } from '../onnx/dataTypes.js';
import { toFloat64 } from '../onnx/tensorValue.js';
import { convertSample } from './assembleBatches.js';
import type { InputPlan } from './inputPlan.js';
import { elementCountOf } from '../onnx/tensorValue.js';
import type { RawSample, SampleSource } from './sampleSource.js';

/** What the first samples of one input hold, before and after preprocessing. */
export interface ValueSummary {
  readonly sampleCount: number;
  /** Element type of the stored values; undefined for images. */
  readonly storedType: DataType | undefined;
  /** Range of the stored finite values; undefined for images, which are levels 0–255 by nature. */
  readonly stored: ValueRange | undefined;
  /** Range of the finite values that are fed. */
  readonly fed: ValueRange;
  /** Sample with the first value that is NaN or infinite. */
  readonly firstNotFinite: string | undefined;
  readonly notFiniteCount: number;
}

/** Extremes of some values. */
export interface ValueRange {
  readonly minimum: number;
  readonly maximum: number;
  readonly areWhole: boolean;
}

/** Samples looked at when data is opened: enough to see a range, few enough to be quick. */
const probeSampleCount = 64;

/** Images are decoded for it, and all are of one range anyway. */
const probeImageCount = 4;

/**
 * Reads the first samples and returns what looks wrong with each input, one sentence each.
 *
 * @throws UserError when one of them cannot be decoded or does not fit the model.
 */
export async function probeData(source: SampleSource, plans: readonly InputPlan[]): Promise<string[]> {
  const hasImages = [...source.fields.values()].some(({ isImage }) => isImage);
  const count = Math.min(source.sampleCount, hasImages ? probeImageCount : affordableCount(source));
  const probed = plans.filter(({ target }) => source.fields.get(target.name)?.isDerived !== true);
  const builders = new Map(probed.map((plan) => [plan, new SummaryBuilder()]));
  for await (const sample of source.samples({ kind: 'range', start: 0, end: count })) {
    const { inputs } = await convertSample(sample, plans);
    for (const [plan, builder] of builders) {
      const fed = inputs.get(plan.target.name);
      if (fed === undefined || Array.isArray(fed.data)) continue;
      builder.add(
        sample,
        plan,
        toFloat64({ dtype: plan.target.elementType, dims: fed.dims, data: fed.data }),
      );
    }
  }
  return [...builders].flatMap(([plan, builder]) => warningsOf(plan, builder.summary()));
}

/** Values looked at: sounds of minutes have millions. */
const probeElementCount = 2 ** 22;

function affordableCount({ fields }: SampleSource): number {
  const elementCount = [...fields.values()].reduce((sum, { dims }) => sum + elementCountOf(dims), 0);
  return Math.max(1, Math.min(probeSampleCount, Math.floor(probeElementCount / Math.max(1, elementCount))));
}

class SummaryBuilder {
  private readonly stored = new RangeBuilder();
  private readonly fed = new RangeBuilder();
  private sampleCount = 0;
  private notFiniteCount = 0;
  private firstNotFinite: string | undefined;
  private storedType: DataType | undefined;

  add(sample: RawSample, plan: InputPlan, fed: Float64Array): void {
    this.sampleCount++;
    const raw = sample.values.get(plan.target.name);
    if (raw?.kind === 'array') this.storedType ??= raw.dtype;
    if (raw?.kind === 'array' && raw.dtype !== 'string') this.stored.add(toFloat64(raw));
    const notFinite = this.fed.add(fed);
    this.notFiniteCount += notFinite;
    if (notFinite > 0) this.firstNotFinite ??= sample.id;
  }

  summary(): ValueSummary {
    const { sampleCount, notFiniteCount, firstNotFinite } = this;
    return {
      sampleCount,
      notFiniteCount,
      firstNotFinite,
      storedType: this.storedType,
      stored: this.stored.range(),
      fed: this.fed.range() ?? { minimum: 0, maximum: 0, areWhole: true },
    };
  }
}

class RangeBuilder {
  private minimum = Infinity;
  private maximum = -Infinity;
  private areWhole = true;

  /** Returns how many values are not finite. */
  add(values: Float64Array): number {
    let notFiniteCount = 0;
    for (const value of values) {
      if (!Number.isFinite(value)) {
        notFiniteCount++;
        continue;
      }
      if (value < this.minimum) this.minimum = value;
      if (value > this.maximum) this.maximum = value;
      if (this.areWhole && !Number.isInteger(value)) this.areWhole = false;
    }
    return notFiniteCount;
  }

  range(): ValueRange | undefined {
    if (this.minimum > this.maximum) return undefined;
    return { minimum: this.minimum, maximum: this.maximum, areWhole: this.areWhole };
  }
}

/** Returns what looks wrong in a summary, by evidence only. */
export function warningsOf(plan: InputPlan, summary: ValueSummary): string[] {
  const { name, elementType } = plan.target;
  const { fed, sampleCount, firstNotFinite, notFiniteCount } = summary;
  const seen = `the first ${sampleCount} samples`;
  const warnings: string[] = [];
  if (firstNotFinite !== undefined) {
    warnings.push(
      `Input "${name}" holds ${notFiniteCount} values that are NaN or infinite in ${seen}, first in sample ${firstNotFinite}: what the model makes of them says nothing. Clean the data.`,
    );
  }
  if (!plan.isConstant && fed.minimum === fed.maximum && sampleCount > 1) {
    const what = fed.maximum === 0 ? 'only zeros' : `one value, ${String(fed.maximum)}, everywhere`;
    warnings.push(`Input "${name}" holds ${what} in ${seen}. Check that the right data is read.`);
  }
  const isFloat = elementType.startsWith('float') || elementType === 'bfloat16';
  const scale = isFloat ? scaleSuspicion(plan, summary) : undefined;
  if (scale !== undefined) warnings.push(scale);
  const type = isFloat && scale === undefined ? typeSuspicion(plan, summary) : undefined;
  if (type !== undefined) warnings.push(type);
  return warnings;
}

/**
 * Returns that whole numbers are fed where the model takes real ones, or undefined: often ids or classes stand where
 * features belong. A scale or dtype in the inspect file says that it is meant.
 */
function typeSuspicion(plan: InputPlan, { storedType }: ValueSummary): string | undefined {
  const { name, elementType } = plan.target;
  const isWhole = storedType !== undefined && storedType !== 'string' && !dataTypeFacts(storedType).isFloat;
  if (!isWhole || plan.normalisation !== undefined || plan.spec.dtype !== undefined) return undefined;
  return `Input "${name}" takes ${elementType} and the data holds ${storedType}: assumed that its values are meant as they are. Write "dtype": "${elementType}" in an .inspect.json if so, else check that the right array is read.`;
}

/** Data of fewer elements per sample is hardly an image, and 0–255 nothing special there. */
const minPixelCount = 16;

/** Returns why the scale of an input looks wrong, or undefined when nothing speaks against it. */
export function scaleSuspicion(plan: InputPlan, { stored, fed }: ValueSummary): string | undefined {
  const { name, sampleShape } = plan.target;
  if (stored === undefined) return undefined;
  const elementCount = elementCountOf((sampleShape ?? []).map((dim) => (typeof dim === 'number' ? dim : 1)));
  const looksLikeLevels =
    stored.areWhole && stored.minimum >= 0 && stored.maximum > 127 && stored.maximum <= 255;
  if (plan.normalisation === undefined && looksLikeLevels && elementCount >= minPixelCount) {
    return `Input "${name}" looks like pixels 0–255 and is fed as stored: assumed that the model takes them so. If it was trained on 0–1, write "scale": 0.00392156862745098 (1/255) in an .inspect.json; if on 0–255, write "scale": 1.`;
  }
  const isShrunk = plan.normalisation !== undefined && plan.normalisation.scale <= 1 / 64;
  if (isShrunk && !stored.areWhole && stored.minimum >= -1 && stored.maximum <= 1) {
    return `Input "${name}" is stored in ${format(stored)} and "scale" ${String(plan.normalisation.scale)} shrinks it to ${format(fed)}: the data seems to be scaled already. Write "scale": 1 if so.`;
  }
  return undefined;
}

function format({ minimum, maximum }: ValueRange): string {
  return `${Number(minimum.toPrecision(3))} … ${Number(maximum.toPrecision(3))}`;
}
