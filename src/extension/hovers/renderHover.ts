import { basename } from 'node:path';
import * as vscode from 'vscode';
import type { ResolvedAddress } from '../../onnx/addresses.js';
import { formatName } from '../../onnx/addresses.js';
import { idPrefix } from '../manifest/contribution.js';
import type { SampleCard } from '../../protocol/units.js';
import type { LayerFacts } from '../units/unitIndex.js';
import type { HoverSubject } from './hoverSubject.js';
import {
  describeMeasurement,
  describeTarget,
  describeTopSamples,
  describeUnit,
  describeUnits,
} from './hoverText.js';
import { markdownText } from './markdownText.js';

/** What is known of the layer or unit of a hover. */
export interface Known {
  readonly facts: LayerFacts | undefined;
  /** Samples with the largest outputs of the unit, and their cards. */
  readonly topSamples: readonly number[];
  readonly cards: readonly (SampleCard | undefined)[];
  /** A run that will tell is under way. */
  readonly isMeasuring: boolean;
  /** What was measured is still being read. */
  readonly isLoading: boolean;
}

/** Commands that links of a hover may run; the editor refuses all others. */
const linkedCommands = ['openAddress', 'measureNow', 'chooseHoverModel', 'manageTrust'] as const;

/** Layers that a hover lists when a class is used several times; more are counted. */
const listedLayerCount = 8;

type Found = Extract<HoverSubject, { kind: 'found' }>;

/** Returns the hover of a layer or neuron: what it is, what was measured, the samples it likes, where to go. */
export function renderFound(subject: Found, known: Known, document: vscode.Uri): vscode.MarkdownString {
  const [target] = subject.resolution.targets;
  if (target === undefined) return trusted([]);
  if (subject.resolution.targets.length > 1) return trusted(severalLines(subject, document));
  return trusted([
    titleLine(target, subject, document),
    missingLine(target, subject),
    factsLine(target, subject, known),
    target.unit === undefined ? undefined : describeTopSamples(known.topSamples, known.cards),
    linksLine(target, subject, known),
  ]);
}

/** Returns the hover that asks which model a document is about. */
export function renderAsk(
  { paths, resolution }: Extract<HoverSubject, { kind: 'ask' }>,
  document: vscode.Uri,
): vscode.MarkdownString {
  const name = markdownText(resolution.targets[0]?.address ?? '');
  const links = paths
    .slice(0, listedLayerCount)
    .map((path) => link(shortPath(path, paths), 'chooseHoverModel', [document.toString(), path]));
  const more = paths.length - links.length;
  const rest =
    more > 0
      ? [link(vscode.l10n.t('{0} more…', String(more)), 'chooseHoverModel', [document.toString()])]
      : [];
  return trusted([
    `**${name}** — ${markdownText(vscode.l10n.t('in {0} models. Which one is this file about?', String(paths.length)))}`,
    [...links, ...rest].join(' · '),
  ]);
}

function titleLine(target: ResolvedAddress, subject: Found, document: vscode.Uri): string {
  const { model, picked } = subject;
  const what = describeTarget(target, model.structure.addresses);
  const where = vscode.l10n.t('{0} in {1}', what, basename(model.path));
  const others =
    picked.others.length === 0
      ? ''
      : ` (${markdownText(whyText(picked.why))}${link(vscode.l10n.t('another model…'), 'chooseHoverModel', [document.toString()])})`;
  return `**${markdownText(target.address)}** — ${markdownText(where)}${others}`;
}

function whyText(why: Found['picked']['why']): string {
  switch (why) {
    case 'tied':
      return `${vscode.l10n.t('tied to this file')} · `;
    case 'chosen':
      return `${vscode.l10n.t('chosen for this file')} · `;
    case 'beside':
      return `${vscode.l10n.t('beside this file')} · `;
    case 'in-folder':
      return `${vscode.l10n.t('in the same folder')} · `;
    case 'only':
      return '';
  }
}

function missingLine({ unitCount, address }: ResolvedAddress, { resolution }: Found): string | undefined {
  const { missingUnit } = resolution;
  if (missingUnit === undefined || unitCount === null) return undefined;
  const text = vscode.l10n.t(
    'There is no neuron {0}: {1} has {2}, from 0 to {3}.',
    String(missingUnit),
    address,
    unitCount.toLocaleString('en-US'),
    String(unitCount - 1),
  );
  return markdownText(text);
}

function factsLine(target: ResolvedAddress, subject: Found, known: Known): string | undefined {
  const { facts } = known;
  if (target.unit !== undefined) {
    const unit = facts?.unit(target.unit);
    if (facts !== undefined && unit !== undefined) return describeUnit(unit, facts);
  } else if (facts !== undefined) return describeUnits(facts);
  return unknownLine(target, subject, known);
}

/** Why nothing was measured, and what to do about it. */
function unknownLine(target: ResolvedAddress, { model }: Found, known: Known): string | undefined {
  if (known.isLoading) return markdownText(vscode.l10n.t('reading what was measured…'));
  const states = target.layer?.states;
  if (target.layer?.kind === 'scope') return undefined;
  if (target.kind === 'head') return markdownText(vscode.l10n.t('attention heads are not measured yet'));
  if (target.kind === 'layer' && states?.kind === 'not-judged') {
    const text = markdownText(vscode.l10n.t('not judged: {0}', states.reason));
    if (states.next === null) return text;
    const next =
      target.unit === undefined
        ? formatName(states.next)
        : `${formatName(states.next)}[${String(target.unit)}]`;
    return `${text} · ${link(vscode.l10n.t('next activation: {0}', states.next), 'openAddress', [uriOf(model.path), next])}`;
  }
  if (known.isMeasuring) return markdownText(vscode.l10n.t('being measured now…'));
  const unknown = markdownText(vscode.l10n.t('not measured yet'));
  if (!vscode.workspace.isTrusted) {
    const off = markdownText(vscode.l10n.t('running is off in Restricted Mode'));
    return `${unknown}: ${off} · ${link(vscode.l10n.t('Manage trust'), 'manageTrust', [])}`;
  }
  return `${unknown} · ${link(vscode.l10n.t('Measure now'), 'measureNow', [uriOf(model.path)])}`;
}

function linksLine(target: ResolvedAddress, { model }: Found, { facts }: Known): string {
  const uri = uriOf(model.path);
  const parts: string[] = [];
  if (target.unit !== undefined) {
    parts.push(link(vscode.l10n.t('Open neuron'), 'openAddress', [uri, target.address]));
  }
  if (target.layer !== undefined) {
    parts.push(link(vscode.l10n.t('Show layer'), 'openAddress', [uri, formatName(target.layer.name)]));
  }
  if (facts !== undefined) {
    parts.push(markdownText(describeMeasurement(facts)));
    if (facts.isStale) {
      const again = vscode.workspace.isTrusted
        ? [link(vscode.l10n.t('Measure again'), 'measureNow', [uri])]
        : [];
      parts.push(markdownText(vscode.l10n.t('the model changed since')), ...again);
    }
  }
  return parts.join(' · ');
}

function severalLines({ model, resolution, picked }: Found, document: vscode.Uri): (string | undefined)[] {
  const { targets } = resolution;
  const what = vscode.l10n.t(
    'in {0} places of {1}',
    targets.length.toLocaleString('en-US'),
    basename(model.path),
  );
  const [first] = targets;
  const links = targets
    .slice(0, listedLayerCount)
    .map(({ address }) => link(address, 'openAddress', [uriOf(model.path), address]));
  const more = targets.length - links.length;
  const rest = more > 0 ? [markdownText(vscode.l10n.t('{0} more', String(more)))] : [];
  const last = lastPart(first);
  const others =
    picked.others.length === 0
      ? undefined
      : link(vscode.l10n.t('another model…'), 'chooseHoverModel', [document.toString()]);
  return [`**${markdownText(last)}** — ${markdownText(what)}`, [...links, ...rest].join(' · '), others];
}

function lastPart(target: ResolvedAddress | undefined): string {
  const name = target?.address ?? '';
  return name.slice(name.lastIndexOf('.') + 1);
}

function trusted(lines: readonly (string | undefined)[]): vscode.MarkdownString {
  // Two spaces and a line feed break a line within a paragraph, so that the hover stays dense.
  const markdown = new vscode.MarkdownString(lines.filter((line) => line !== undefined).join('  \n'));
  markdown.isTrusted = { enabledCommands: linkedCommands.map((id) => idPrefix + id) };
  markdown.supportHtml = false;
  return markdown;
}

function link(text: string, command: (typeof linkedCommands)[number], args: readonly unknown[]): string {
  const query = args.length === 0 ? '' : `?${encodeURIComponent(JSON.stringify(args))}`;
  // A parenthesis would end the link.
  return `[${markdownText(text)}](command:${idPrefix}${command}${query.replace(/[()]/gu, (sign) => (sign === '(' ? '%28' : '%29'))})`;
}

function uriOf(path: string): unknown {
  const { scheme, authority, path: uriPath } = vscode.Uri.file(path);
  return { scheme, authority, path: uriPath };
}

/** File names, with their folder where two are the same. */
function shortPath(path: string, paths: readonly string[]): string {
  const name = basename(path);
  const isTwice = paths.filter((other) => basename(other) === name).length > 1;
  return isTwice ? vscode.workspace.asRelativePath(path) : name;
}
