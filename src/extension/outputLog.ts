import type * as vscode from 'vscode';
import type { Logger } from '../base/logger.js';

/** The newest lines of the log, for diagnostics; the channel itself cannot be read back. */
export interface OutputLog extends Logger {
  readonly recentLines: readonly string[];
}

const keptLineCount = 200;

/** Returns a logger that writes to the extension's output channel and remembers its newest lines. */
export function createOutputLog(channel: vscode.LogOutputChannel): OutputLog {
  const recentLines: string[] = [];
  const writer =
    (level: keyof Logger) =>
    (message: string): void => {
      recentLines.push(`${new Date().toISOString()} [${level}] ${message}`);
      if (recentLines.length > keptLineCount) recentLines.shift();
      channel[level](message);
    };
  return {
    recentLines,
    debug: writer('debug'),
    info: writer('info'),
    warn: writer('warn'),
    error: writer('error'),
  };
}
