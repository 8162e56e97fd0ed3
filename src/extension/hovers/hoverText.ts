import { basename } from 'node:path';
import * as vscode from 'vscode';
import { sparklineOf } from '../../base/sparkline.js';
import type { ResolvedAddress } from '../../onnx/addresses.js';
import { formatNumber } from '../../protocol/formatReport.js';
import { layerWord } from '../../protocol/layerWords.js';
import type { AddressTable } from '../../protocol/structure.js';
import type { SampleCard } from '../../protocol/units.js';
import type { LayerFacts, UnitFacts } from '../units/unitIndex.js';
import { markdownPicture, markdownText } from './markdownText.js';

// The words of a hover, line by line; names and texts from files are escaped, so that they stay text.

/** Returns what a target is: `Conv channel`, `Dense, 256 neurons`, `module with 6 layers`. */
export function describeTarget(target: ResolvedAddress, table: AddressTable): string {
  if (target.kind === 'head') return vscode.l10n.t('attention head');
  if (target.kind === 'hidden') {
    return target.unit === undefined
      ? vscode.l10n.t('hidden neurons of an MLP')
      : vscode.l10n.t('hidden neuron of an MLP');
  }
  const { layer } = target;
  if (layer === undefined) return '';
  if (layer.kind === 'scope' || layer.kind === 'block') {
    const inside = table.layers.filter(
      ({ name, kind }) => kind !== 'scope' && name.startsWith(`${layer.name}.`),
    );
    return inside.length === 1
      ? vscode.l10n.t('module with 1 layer')
      : vscode.l10n.t('module with {0} layers', count(inside.length));
  }
  const what = layerWord(layer);
  const units = target.unitCount;
  if (target.unit !== undefined) {
    return layer.kind === 'conv' ? vscode.l10n.t('{0} channel', what) : vscode.l10n.t('{0} neuron', what);
  }
  if (units === null) return what;
  return layer.kind === 'conv'
    ? vscode.l10n.t('{0}, {1} channels', what, count(units))
    : vscode.l10n.t('{0}, {1} neurons', what, count(units));
}

/** Returns what was measured of a unit: its state in words, the shape of its outputs, the largest. */
export function describeUnit(facts: UnitFacts, layer: LayerFacts): string {
  const parts = [`● ${markdownText(stateText(facts, layer))}`];
  if (facts.state !== 'dead') {
    const shape = facts.histogram === undefined ? '' : sparklineOf(facts.histogram, 8);
    if (shape !== '') parts.push(shape);
    parts.push(markdownText(vscode.l10n.t('max {0}', formatNumber(facts.maximum))));
  }
  return parts.join(' &nbsp; ');
}

function stateText(facts: UnitFacts, layer: LayerFacts): string {
  const all = samplesText(facts.sampleCount, layer.areImages);
  switch (facts.state) {
    case 'dead':
      return vscode.l10n.t('dead: active on 0 of {0}', all);
    case 'rare':
      return vscode.l10n.t('rare: active on {0} of {1}', count(facts.activeSampleCount), all);
    case 'always-on':
      return vscode.l10n.t('always on: it never switches off on {0}', all);
    case 'constant':
      return vscode.l10n.t('constant on {0}', all);
    case 'saturated':
      return vscode.l10n.t('saturated: nearly always at a bound on {0}', all);
    case 'always-negative':
      return vscode.l10n.t('always negative on {0}', all);
    case 'not-finite':
      return vscode.l10n.t('NaN or infinite somewhere on {0}', all);
    default:
      return vscode.l10n.t('active on {0} of {1}', shareText(facts), all);
  }
}

/** A share that would read 0.0 % is said as a count: 0 is never blank, and few are not none. */
function shareText({ activeSampleCount, sampleCount }: UnitFacts): string {
  const share = activeSampleCount / sampleCount;
  return share >= 0.0005 ? formatNumber(share, 'percent') : count(activeSampleCount);
}

const notableStates = ['not-finite', 'dead', 'constant', 'always-negative', 'saturated', 'rare', 'always-on'];

/** Returns how the units of a layer are: `98 of 256 dead · 12 rare on 10,000 images`. */
export function describeUnits(facts: LayerFacts): string {
  const { stateCounts, unitCount } = facts;
  const all = samplesText(facts.sampleCount, facts.areImages);
  const notable = notableStates.filter((state) => (stateCounts[state] ?? 0) > 0);
  const [first, ...rest] = notable;
  if (first === undefined) {
    const text =
      stateCounts['active'] === undefined
        ? vscode.l10n.t('statistics only, on {0}', all)
        : vscode.l10n.t('all {0} active on {1}', count(unitCount), all);
    return `● ${markdownText(text)}`;
  }
  const firstText = vscode.l10n.t(
    '{0} of {1} {2}',
    count(stateCounts[first] ?? 0),
    count(unitCount),
    stateName(first),
  );
  const others = rest.map((state) => `${count(stateCounts[state] ?? 0)} ${stateName(state)}`);
  return `● ${markdownText([firstText, ...others].join(' · '))} ${markdownText(vscode.l10n.t('on {0}', all))}`;
}

function stateName(state: string): string {
  switch (state) {
    case 'not-finite':
      return vscode.l10n.t('not finite');
    case 'dead':
      return vscode.l10n.t('dead');
    case 'constant':
      return vscode.l10n.t('constant');
    case 'always-negative':
      return vscode.l10n.t('always negative');
    case 'saturated':
      return vscode.l10n.t('saturated');
    case 'rare':
      return vscode.l10n.t('rare');
    case 'always-on':
      return vscode.l10n.t('always on');
    default:
      return state;
  }
}

function samplesText(sampleCount: number, areImages: boolean): string {
  if (areImages) {
    return sampleCount === 1 ? vscode.l10n.t('1 image') : vscode.l10n.t('{0} images', count(sampleCount));
  }
  return sampleCount === 1 ? vscode.l10n.t('1 sample') : vscode.l10n.t('{0} samples', count(sampleCount));
}

/** All pictures of a hover together stay far under the 100,000 characters after which the editor cuts a hover. */
const maxPictureLength = 24_000;

/** Height of a picture, in pixels: a line and a half. */
const pictureHeight = 32;

/** Returns the samples with the largest outputs: pictures with labels, or names. `cards` are in the order of `indices`. */
export function describeTopSamples(
  indices: readonly number[],
  cards: readonly (SampleCard | undefined)[],
): string | undefined {
  if (indices.length === 0) return undefined;
  const pictures = cards.map((card) => pictureOf(card));
  const labels = cards.map((card) => card?.labelName ?? card?.label?.toString());
  const names = indices.map((index, place) => markdownText(cards[place]?.id ?? `#${String(index)}`));
  const top = markdownText(vscode.l10n.t('top:'));
  const shown = pictures.every((picture) => picture !== undefined)
    ? [top, ...pictures].join(' ')
    : `${top} ${names.join(', ')}`;
  if (labels.some((label) => label === undefined)) return shown;
  const known = labels.join(', ');
  const text =
    labels.length === 1 ? vscode.l10n.t('(label {0})', known) : vscode.l10n.t('(labels {0})', known);
  return `${shown} ${markdownText(text)}`;
}

function pictureOf(card: SampleCard | undefined): string | undefined {
  if (card?.picture === undefined) return undefined;
  const { source, width, height } = card.picture;
  const shownWidth = Math.max(1, Math.min(4 * pictureHeight, Math.round((width / height) * pictureHeight)));
  return markdownPicture(source, card.id, {
    width: shownWidth,
    height: pictureHeight,
    maxLength: maxPictureLength,
  });
}

/** Returns when and on what a result was measured: `measured 10:42, digits.inspect.json`. */
export function describeMeasurement(facts: LayerFacts, now = new Date()): string {
  const when = timeText(new Date(facts.createdAt), now);
  return facts.dataPath === undefined
    ? vscode.l10n.t('measured {0}', when)
    : vscode.l10n.t('measured {0}, {1}', when, basename(facts.dataPath));
}

function timeText(time: Date, now: Date): string {
  const language = vscode.env.language;
  const clock = time.toLocaleTimeString(language, { hour: '2-digit', minute: '2-digit' });
  if (time.toDateString() === now.toDateString()) return clock;
  return `${time.toLocaleDateString(language, { day: 'numeric', month: 'short', year: 'numeric' })} ${clock}`;
}

function count(value: number): string {
  return value.toLocaleString('en-US');
}
