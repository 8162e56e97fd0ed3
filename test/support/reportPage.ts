import type { Block } from '../../src/protocol/blocks.js';
import type { Report } from '../../src/protocol/report.js';
import type {
  ReportAction,
  ReportPageContent,
  ReportProtocol,
} from '../../src/protocol/views/reportMessages.js';
import type { Locator } from 'playwright-core';
import { makeReport } from './makeReport.js';
import { openView, type ViewSetup, type WebviewPage } from './webviewPage.js';

/** Every action, as for a result of the history. */
export const everyAction: readonly ReportAction[] = [
  'run-again',
  'change',
  'compare',
  'other-method',
  'export',
  'open-data',
  'copy-command',
  'open-source',
];

/** Returns what the host shows of a finished report. */
export function pageOf(report: Report, more: Partial<ReportPageContent> = {}): ReportPageContent {
  return {
    kind: 'page',
    origin: { kind: 'result', id: 'r1' },
    report,
    isStale: false,
    crossed: [],
    base: '',
    actions: everyAction,
    ...more,
  };
}

/** Opens the report page on a report. */
export function openReport(
  report: Report,
  setup: ViewSetup<ReportProtocol> & { readonly content?: Partial<ReportPageContent> } = {},
): Promise<WebviewPage<ReportProtocol>> {
  const { content, ...rest } = setup;
  return openView<ReportProtocol>('report', { shows: [pageOf(report, content)], ...rest });
}

/** Opens the report page on a report that has these blocks and nothing else. */
export function openBlocks(
  blocks: readonly Block[],
  setup: ViewSetup<ReportProtocol> & { readonly report?: Partial<Report> } = {},
): Promise<WebviewPage<ReportProtocol>> {
  const { report, ...rest } = setup;
  return openReport(makeReport({ blocks: [...blocks], ...report }), rest);
}

/** Returns the text that is seen of an element, with that of the elements inside it: blocks on lines of their own. */
export function shownText(locator: Locator): Promise<string> {
  return locator.evaluate((element) => {
    const parts: string[] = [];
    const visit = (node: Node): void => {
      if (node instanceof Text) parts.push(node.data.replace(/\s+/g, ' '));
      if (!(node instanceof Element)) return;
      const { display } = getComputedStyle(node);
      if (display !== 'contents' && !node.checkVisibility()) return;
      const isLine = !display.startsWith('inline') && display !== 'contents';
      if (isLine) parts.push('\n');
      if (node instanceof HTMLSlotElement) node.assignedNodes({ flatten: true }).forEach(visit);
      else (node.shadowRoot ?? node).childNodes.forEach(visit);
      if (isLine) parts.push('\n');
    };
    visit(element);
    return parts
      .join('')
      .replace(/ +/g, ' ')
      .replace(/ ?\n ?/g, '\n')
      .replace(/\n+/g, '\n')
      .trim();
  });
}
