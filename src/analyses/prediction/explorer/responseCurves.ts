import type { ExplorerSettings } from './explorerSettings.js';
import { linearGrid } from './grids.js';
import type { SeriesModel, SeriesPoints } from './series.js';

/** What one channel does to the outcome, on the mean of rows. */
export interface ChannelResponse {
  readonly name: string;
  /** Mean value over rows and time. */
  readonly meanValue: number;
  /** Outcome summed over time, less that without the channel, at each of `factors`. */
  readonly response: Float64Array;
  /** Outcome at the last step for a pulse of one so many steps before it, `[lags + 1]`. */
  readonly carryOver: Float64Array;
  readonly decay: Decay;
  /** Outcome over time less that with the channel off. */
  readonly contribution: Float64Array;
  /** Largest effect of a pulse at the last step on earlier outcomes, as a share of that at the last; 0 without a time axis. */
  readonly leak: number;
}

/** A geometric curve through a carry-over, from its largest effect on. */
export interface Decay {
  /** Share of an effect that is left a step later; NaN where there is none. */
  readonly rate: number;
  /** Share of the variance of the effects that the geometric curve has. */
  readonly fit: number;
  /** Lag of the largest effect. */
  readonly peak: number;
  /** Share of all effects that come after the step of the pulse. */
  readonly laterShare: number;
}

/** What all channels do. */
export interface Responses {
  readonly factors: Float64Array;
  readonly channels: readonly ChannelResponse[];
  /** Mean outcome over time as it is, and with every channel off. */
  readonly outcome: Float64Array;
  readonly baseline: Float64Array;
}

/** Changes made to a row for one channel. */
type Changing = (
  series: Float32Array,
  at: (channel: number, step: number) => number,
  facts: { readonly row: number; readonly point: number },
) => void;

/** Returns the response, carry-over and contribution of every channel, means over the rows. */
export async function measureResponses(model: SeriesModel, settings: ExplorerSettings): Promise<Responses> {
  const { channelNames, stepCount, rows } = model;
  const factors = linearGrid(0, 2, settings.gridSize);
  const lagCount = 1 + Math.min(stepCount - 1, settings.lags ?? Math.ceil(stepCount / 2));
  const perChannel = 1 + factors.length + lagCount;
  model.expect(rows.count * (3 + channelNames.length * perChannel));
  const outcome = meanOver(await forRows(model, 1, () => undefined));
  const allOff = await forRows(model, 1, (series) => series.fill(settings.off));
  const level = await levelOutcome(model, settings);
  const channels: ChannelResponse[] = [];
  for (const [channel, name] of channelNames.entries()) {
    const one = { channel, settings };
    const pulsed = await pulseEffects(model, one, { lagCount, level });
    channels.push({
      name,
      meanValue: meanOf(model, channel),
      response: await responseOf(model, one, factors),
      ...pulsed,
      decay: decayOf(pulsed.carryOver),
      contribution: difference(outcome, await offOutcome(model, one)),
    });
  }
  return { factors, channels, outcome, baseline: meanOver(allOff) };
}

interface OneChannel {
  readonly channel: number;
  readonly settings: ExplorerSettings;
}

function forRows(model: SeriesModel, perRow: number, changing: Changing): Promise<Float64Array[]> {
  const points: SeriesPoints = {
    count: model.rows.count * perRow,
    rowOf: (point) => Math.floor(point / perRow),
    change: (point, series, at) => {
      changing(series, at, { row: Math.floor(point / perRow), point: point % perRow });
    },
  };
  return model.outcomes(points);
}

/** Mean of several series; all of them when `of` is left out, else those of one point of every row. */
function meanOver(series: readonly Float64Array[], perRow = 1, of = 0): Float64Array {
  const chosen = series.filter((_, index) => index % perRow === of);
  const [first = new Float64Array()] = chosen;
  return first.map((_, step) => chosen.reduce((sum, own) => sum + (own[step] ?? NaN), 0) / chosen.length);
}

function difference(a: Float64Array, b: Float64Array): Float64Array {
  return a.map((value, i) => value - (b[i] ?? NaN));
}

function total(values: Float64Array): number {
  return values.reduce((sum, value) => sum + value, 0);
}

function meanOf(model: SeriesModel, channel: number, row?: number): number {
  const rows = row === undefined ? model.rows.ids.map((_, index) => index) : [row];
  let sum = 0;
  for (const own of rows) {
    for (let step = 0; step < model.stepCount; step++) sum += model.valueOf(own, channel, step);
  }
  return sum / rows.length / model.stepCount;
}

async function offOutcome(model: SeriesModel, { channel, settings }: OneChannel): Promise<Float64Array> {
  return meanOver(
    await forRows(model, 1, (series, at) => {
      for (let step = 0; step < model.stepCount; step++) series[at(channel, step)] = settings.off;
    }),
  );
}

async function responseOf(
  model: SeriesModel,
  { channel, settings: { off } }: OneChannel,
  factors: Float64Array,
): Promise<Float64Array> {
  const outcomes = await forRows(model, factors.length, (series, at, { point }) => {
    for (let step = 0; step < model.stepCount; step++) {
      const place = at(channel, step);
      series[place] = off + ((series[place] ?? NaN) - off) * (factors[point] ?? NaN);
    }
  });
  const totals = Float64Array.from(factors, (_, at) => total(meanOver(outcomes, factors.length, at)));
  // The first factor is 0: the channel is off.
  return totals.map((value) => value - (totals[0] ?? NaN));
}

/** Sets every channel of a row to the level that pulses are added to. */
function toLevel(model: SeriesModel, { level, off }: ExplorerSettings): Changing {
  return (series, at, { row }) => {
    if (level === 'rows') return;
    for (const [channel] of model.channelNames.entries()) {
      const value = level === 'off' ? off : meanOf(model, channel, row);
      for (let step = 0; step < model.stepCount; step++) series[at(channel, step)] = value;
    }
  };
}

async function levelOutcome(model: SeriesModel, settings: ExplorerSettings): Promise<Float64Array[]> {
  return forRows(model, 1, toLevel(model, settings));
}

/** Effects of a pulse of one, by lag, each measured at the last step so that all of them have the same past. */
async function pulseEffects(
  model: SeriesModel,
  { channel, settings }: OneChannel,
  { lagCount, level }: { readonly lagCount: number; readonly level: readonly Float64Array[] },
): Promise<Pick<ChannelResponse, 'carryOver' | 'leak'>> {
  const height = pulseHeight(model, channel, settings);
  const setLevel = toLevel(model, settings);
  const outcomes = await forRows(model, lagCount, (series, at, facts) => {
    setLevel(series, at, facts);
    const place = at(channel, model.stepCount - 1 - facts.point);
    series[place] = (series[place] ?? NaN) + height;
  });
  const without = meanOver(level);
  const effects = Array.from({ length: lagCount }, (_, lag) =>
    difference(meanOver(outcomes, lagCount, lag), without).map((value) => value / height),
  );
  const carryOver = Float64Array.from(effects, (effect) => effect.at(-1) ?? NaN);
  const before = effects[0]?.slice(0, -1) ?? new Float64Array();
  const largestBefore = before.reduce((largest, value) => Math.max(largest, Math.abs(value)), 0);
  const largest = carryOver.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  return { carryOver, leak: largest === 0 ? 0 : largestBefore / largest };
}

/** A share of the channel's mean; of one where the channel is off throughout. */
function pulseHeight(model: SeriesModel, channel: number, { pulse, off }: ExplorerSettings): number {
  const reach = Math.abs(meanOf(model, channel) - off);
  return pulse * (reach > 0 ? reach : 1);
}

/** Effects under this share of the largest are rounding, and the fit ends before them. */
const smallestEffect = 1e-3;

/**
 * Returns the geometric curve r_l = a λ^l through effects from their largest on, λ = Σ r_l r_{l−1} / Σ r_{l−1}²: least
 * squares of each effect on the one before.
 */
export function decayOf(effects: Float64Array): Decay {
  const magnitudes = effects.map(Math.abs);
  const largest = magnitudes.reduce((most, value) => Math.max(most, value), 0);
  const peak = Math.max(0, magnitudes.indexOf(largest));
  const sum = total(effects);
  const laterShare = sum === 0 ? NaN : 1 - (effects[0] ?? NaN) / sum;
  const end = magnitudes.findIndex((value, lag) => lag > peak && value < smallestEffect * largest);
  const tail = effects.slice(peak, end < 0 ? undefined : end + 1);
  if (!(largest > 0) || tail.length < 2) return { rate: NaN, fit: NaN, peak, laterShare };
  let [products, squares] = [0, 0];
  for (let lag = 1; lag < tail.length; lag++) {
    products += (tail[lag] ?? NaN) * (tail[lag - 1] ?? NaN);
    squares += (tail[lag - 1] ?? NaN) ** 2;
  }
  const rate = products / squares;
  return { rate, fit: geometricFit(tail, rate), peak, laterShare };
}

/** R² of the geometric curve through the first effect. */
function geometricFit(tail: Float64Array, rate: number): number {
  const mean = total(tail) / tail.length;
  let [left, all] = [0, 0];
  for (const [lag, value] of tail.entries()) {
    left += (value - (tail[0] ?? NaN) * rate ** lag) ** 2;
    all += (value - mean) ** 2;
  }
  return all === 0 ? 1 : 1 - left / all;
}
