import type { ReportNumber } from '../../protocol/blocks.js';
import type { ExportedAsks, ExportedParts } from '../../protocol/exportedParts.js';
import type { Parts } from '../../protocol/parts.js';
import { requestOfReport } from '../../protocol/reportRequest.js';
import type { Report } from '../../protocol/report.js';
import { runWords } from '../../protocol/runWords.js';
import { escapeHtml } from './escape.js';

// What the script of an exported page needs to say a piece's value and the command that asks about it.

/** Returns the attribute that ties an element to the pieces of an item; empty where nothing can be asked about them. */
export function partsAttribute(
  parts: Parts | undefined,
  item: number,
  drawn: {
    /** Places along each axis of what is drawn, and the value at each of them; none for the rows of a table. */
    readonly counts: readonly number[];
    readonly values: readonly ReportNumber[];
    readonly caption?: string;
  },
): string {
  if (parts === undefined || parts.followUps.length === 0) return '';
  const { counts, values, caption = '' } = drawn;
  const exported: ExportedParts = {
    noun: parts.noun,
    followUps: parts.followUps,
    item: parts.items[item] ?? {},
    ...(parts.itemKey === undefined ? {} : { items: parts.items }),
    sizes: parts.sizes ?? [],
    counts,
    values: values.map(shortened),
    caption,
  };
  return ` data-parts="${escapeHtml(JSON.stringify(exported))}"`;
}

/** Returns the questions of a report as data for the script; empty when there are none. */
export function askedData(report: Report): string {
  // A page asks of one model and data; of two compared reports it would be either.
  const followUps = (report.followUps ?? []).filter(({ side }) => side === undefined);
  if (followUps.length === 0) return '';
  const asks: ExportedAsks = { ...runWords(requestOfReport(report)), followUps };
  // Markup in a name must not end the element.
  return `<script type="application/json" id="asks">${JSON.stringify(asks).replaceAll('<', '\\u003c')}</script>\n`;
}

/** As many digits as are shown. */
function shortened(value: ReportNumber): ReportNumber {
  return typeof value === 'number' ? Number(value.toPrecision(3)) : value;
}
