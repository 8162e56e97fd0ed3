import { blockTitle, notableBlocks } from '../protocol/blockWords.js';
import type { InspectedBlock, InspectedLayer, InspectedValue, Inspection } from '../protocol/inspection.js';
import { formatNumber } from '../protocol/formatReport.js';
import { formatName } from './addressGrammar.js';

/** Warnings of a kind longer than this are told in one line each anyway; operators are cut. */
const listedOperatorCount = 12;

/** Blocks of one kind that are named before the rest is counted. */
const listedBlockCount = 3;

/** Returns an inspection as text for a terminal or a document: summary, inputs and outputs, layers as a tree, warnings. */
export function formatInspection(inspection: Inspection): string {
  const { inputs, outputs, layers, blocks, warnings } = inspection;
  const lines = [
    inspection.model,
    summaryLine(inspection),
    detailLine(inspection),
    '',
    ...section('Inputs', inputs.map(valueRow)),
    ...section('Outputs', outputs.map(valueRow)),
    ...section('Layers', layerRows(layers), layerHeader, numericColumns),
    ...section('Blocks', blockRows(blocks), blockHeader, new Set([1])),
    ...(layers.length === 0 ? ['No operator with weights, activation or normalisation was found.', ''] : []),
    ...(warnings.length === 0 ? [] : ['Warnings', ...warnings.map((warning) => `  ${warning}`), '']),
  ];
  return `${lines.map(printable).join('\n').trimEnd()}\n`;
}

/** Returns `12 layers · 105,866 parameters · opset 17 · 23 nodes · 0.4 MB · pytorch 2.1`. */
function summaryLine({ layers, opsets, producer, sizeBytes, ...counts }: Inspection): string {
  const layerCount = layers.filter(hasWeights).length;
  const versions = Object.entries(opsets).map(([domain, version]) =>
    domain === 'ai.onnx' ? `opset ${version}` : `${domain} ${version}`,
  );
  return [
    counted(layerCount, 'layer'),
    counted(counts.parameterCount, 'parameter'),
    ...versions,
    counted(counts.nodeCount, 'node'),
    formatBytes(sizeBytes),
    ...(producer === '' ? [] : [producer]),
  ].join(' · ');
}

/** Tells whether a layer is an operator with weights: what "N layers" counts. */
function hasWeights({ kind, parameterCount }: InspectedLayer): boolean {
  return parameterCount > 0 && kind !== 'scope' && kind !== 'block';
}

function detailLine(inspection: Inspection): string {
  const { operators, bufferCount, constantCount, subgraphNodeCount, functionNodeCount } = inspection;
  const sorted = Object.entries(operators).sort(([, a], [, b]) => b - a);
  const shown = sorted.slice(0, listedOperatorCount).map(([operator, count]) => `${operator} ${count}`);
  const left = sorted.length - shown.length;
  return [
    ...(bufferCount > 0 ? [counted(bufferCount, 'buffer element')] : []),
    ...(constantCount > 0 ? [counted(constantCount, 'other constant element')] : []),
    ...(subgraphNodeCount > 0 ? [`${counted(subgraphNodeCount, 'node')} in bodies`] : []),
    ...(functionNodeCount > 0 ? [`${counted(functionNodeCount, 'node')} in functions`] : []),
    shown.join(', ') + (left > 0 ? ` and ${left} more operators` : ''),
  ].join(' · ');
}

function counted(count: number, noun: string): string {
  return `${formatNumber(count, 'count')} ${noun}${count === 1 ? '' : 's'}`;
}

function formatBytes(size: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  const power = Math.min(units.length - 1, Math.max(0, Math.floor(Math.log10(Math.max(size, 1)) / 3)));
  const value = size / 1000 ** power;
  return `${power === 0 ? value : value.toFixed(value < 10 ? 1 : 0)} ${units[power] ?? ''}`;
}

function valueRow({ name, type, shape }: InspectedValue): string[] {
  return [name, type, formatShape(shape)];
}

function formatShape(shape: InspectedValue['shape']): string {
  return shape === null ? '–' : `[${shape.map((size) => size ?? '?').join(', ')}]`;
}

const layerHeader = ['Name', 'Kind', 'Units', 'Parameters', 'Output'];
const numericColumns: ReadonlySet<number> = new Set([2, 3]);

/** Rows as a tree: layers under their scope, though a file may scatter what a scope holds. */
function layerRows(layers: readonly InspectedLayer[]): string[][] {
  const inside = new Map<string | null, InspectedLayer[]>();
  for (const layer of layers) {
    const siblings = inside.get(layer.parent);
    if (siblings === undefined) inside.set(layer.parent, [layer]);
    else siblings.push(layer);
  }
  const rows: string[][] = [];
  const add = (parent: string | null, depth: number): void => {
    for (const layer of inside.get(parent) ?? []) {
      rows.push(layerRow(layer, depth));
      add(layer.name, depth + 1);
    }
  };
  add(null, 0);
  return rows;
}

function layerRow(layer: InspectedLayer, depth: number): string[] {
  return [
    '  '.repeat(depth) + formatName(layer.name),
    kindOf(layer),
    layer.unitCount === null ? '–' : formatNumber(layer.unitCount, 'count'),
    layer.parameterCount === 0 ? '–' : formatNumber(layer.parameterCount, 'count'),
    formatShape(layer.shape),
  ];
}

/** `conv (Conv)`, `scope (attention)`: what a scope is, is what is recognised in it. */
function kindOf({ kind, operator, blocks }: InspectedLayer): string {
  const detail = operator === '' ? notableBlocks(blocks).join(', ') : operator;
  return detail === '' ? kind : `${kind} (${detail})`;
}

const blockHeader = ['Kind', 'Count', 'Where'];

/** One row a kind and variant, in the order of their first ones. */
function blockRows(blocks: readonly InspectedBlock[]): string[][] {
  const groups = new Map<string, InspectedBlock[]>();
  for (const block of blocks) {
    const title = blockTitle(block.kind);
    const words = block.variant === '' ? title : `${title} (${block.variant})`;
    groups.set(words, [...(groups.get(words) ?? []), block]);
  }
  return [...groups].map(([words, group]) => {
    const shown = group.slice(0, listedBlockCount).map(({ name }) => formatName(name));
    const left = group.length - shown.length;
    const where = shown.join(', ') + (left > 0 ? ` and ${formatNumber(left, 'count')} more` : '');
    return [words, formatNumber(group.length, 'count'), where];
  });
}

function section(
  title: string,
  rows: readonly (readonly string[])[],
  header?: readonly string[],
  numeric: ReadonlySet<number> = new Set(),
): string[] {
  if (rows.length === 0) return [];
  const all = (header === undefined ? rows : [header, ...rows]).map((row) => row.map(printable));
  const widths: number[] = [];
  for (const row of all) {
    row.forEach((cell, column) => (widths[column] = Math.max(widths[column] ?? 0, cell.length)));
  }
  const lines = all.map((row) =>
    row.map((cell, column) => aligned(cell, widths[column] ?? 0, numeric.has(column))).join('  '),
  );
  return [title, ...lines.map((line) => `  ${line}`.trimEnd()), ''];
}

function aligned(cell: string, width: number, isNumeric: boolean): string {
  return isNumeric ? cell.padStart(width) : cell.padEnd(width);
}

/** Names come from files: control and direction characters must not reach a terminal. */
function printable(text: string): string {
  return text.replace(/[\u0000-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu, '�');
}
