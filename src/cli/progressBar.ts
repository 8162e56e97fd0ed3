import { formatDuration } from '../protocol/formatReport.js';
import { crop, safeText } from './paint.js';
import type { Terminal } from './terminal.js';

/** A bar on stderr with what is being done and the time left; silent when stderr is no terminal. */
export interface ProgressBar {
  update(fractionDone: number, message: string): void;
  /** Takes the bar away again. */
  clear(): void;
}

const barWidth = 24;
const redrawIntervalMs = 100;

/** An estimate from less than this is noise. */
const minEstimateFraction = 0.05;

/** Creates a progress bar. */
export function createProgressBar(terminal: Terminal): ProgressBar {
  if (!terminal.hasProgress) return { update: () => undefined, clear: () => undefined };
  const startMs = performance.now();
  let lastMs = -Infinity;
  let isShown = false;
  return {
    update: (fractionDone, message) => {
      const nowMs = performance.now();
      if (nowMs - lastMs < redrawIntervalMs) return;
      lastMs = nowMs;
      isShown = true;
      const line = progressLine({ fractionDone, message, elapsedMs: nowMs - startMs });
      terminal.writeError(`\r\u001b[2K${crop(line, terminal.progressWidth - 1)}`);
    },
    clear: () => {
      if (isShown) terminal.writeError('\r\u001b[2K');
      isShown = false;
    },
  };
}

/** Returns the line of a progress bar. */
export function progressLine(state: {
  readonly fractionDone: number;
  readonly message: string;
  readonly elapsedMs: number;
}): string {
  const fraction = Math.max(0, Math.min(1, state.fractionDone));
  const filled = Math.round(fraction * barWidth);
  const bar = '█'.repeat(filled) + '░'.repeat(barWidth - filled);
  const percent = String(Math.floor(fraction * 100)).padStart(3);
  const left =
    fraction < minEstimateFraction || fraction >= 1
      ? ''
      : ` · ${formatDuration((state.elapsedMs * (1 - fraction)) / fraction)} left`;
  return `${bar} ${percent} %${left} · ${safeText(state.message)}`;
}
