import { html, type TemplateResult } from 'lit';
import { formatBytes, formatNumber } from '../../../src/protocol/formatReport.js';
import type { ModelContent } from '../../../src/protocol/views/modelMessages.js';
import '../../components/ni-table.js';
import type { TableData } from '../../components/table/tableData.js';
import { t } from '../../text.js';

/** Returns what the file says about itself: producer, opsets, sizes, and its own metadata. */
export function metadataPart({ inspection, metadata }: ModelContent): TemplateResult {
  return html`
    <ni-table .label=${t('File')} .table=${fileTable(inspection)}></ni-table>
    <h2>${t('Written by the exporter')}</h2>
    ${
      metadata.length === 0
        ? html`<p class="muted">${t('It wrote no metadata.')}</p>`
        : html`<ni-table .label=${t('Metadata')} .table=${pairs(metadata)}></ni-table>`
    }
  `;
}

function fileTable(inspection: ModelContent['inspection']): TableData {
  const { subgraphNodeCount, functionNodeCount, bufferCount, constantCount } = inspection;
  const count = (value: number): string => formatNumber(value, 'count');
  return pairs([
    [t('Path'), inspection.model],
    [t('Size, data files included'), formatBytes(inspection.sizeBytes)],
    [t('Producer'), inspection.producer === '' ? t('not said') : inspection.producer],
    [t('IR version'), String(inspection.irVersion)],
    ...Object.entries(inspection.opsets).map(([domain, version]): [string, string] => [
      t('Opset of {0}', domain),
      String(version),
    ]),
    [t('Nodes'), count(inspection.nodeCount)],
    ...optional(t('Nodes in bodies of If, Loop and Scan'), subgraphNodeCount),
    ...optional(t('Nodes in functions'), functionNodeCount),
    [t('Parameters'), count(inspection.parameterCount)],
    ...optional(t('Buffers: running means and variances'), bufferCount),
    ...optional(t('Other constants'), constantCount),
  ]);
}

function optional(label: string, value: number): [string, string][] {
  return value === 0 ? [] : [[label, formatNumber(value, 'count')]];
}

function pairs(entries: readonly (readonly [string, string])[]): TableData {
  return {
    columns: [
      { key: 'name', label: t('Name'), kind: 'text' },
      { key: 'value', label: t('Value'), kind: 'text' },
    ],
    rows: entries.map(([name, value]) => ({ name, value })),
  };
}
