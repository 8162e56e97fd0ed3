import { makeSortable } from '../components/sortableTable.js';

// Enhances a report page that reads well without scripts: exported HTML embeds this file.
for (const table of document.querySelectorAll<HTMLTableElement>('table[data-sortable]')) makeSortable(table);
