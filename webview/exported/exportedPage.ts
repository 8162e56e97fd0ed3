import type { ExportedAsks } from '../../src/protocol/exportedParts.js';
import { makeSortable } from '../components/sortableTable.js';
import { makePickable } from './pickParts.js';

// Enhances a report page that reads well without scripts: exported HTML embeds this file.
for (const table of document.querySelectorAll<HTMLTableElement>('table[data-sortable]')) makeSortable(table);
const asks = document.querySelector('#asks');
// Written by the export of this very version.
if (asks !== null) makePickable(JSON.parse(asks.textContent) as ExportedAsks);
