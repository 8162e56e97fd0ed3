import { basename } from 'node:path';
import type { Report } from '../../../protocol/report.js';

/** Returns what the tab of a report is called: `Dead neurons · dying-relu`. */
export function tabTitle(what: string, modelPath: string): string {
  return `${what} · ${basename(modelPath).replace(/\.onnx$/i, '')}`;
}

/** Returns what the tab of a report is called. */
export function tabTitleOf(report: Report): string {
  return `${report.title} · ${report.model.name}`;
}
