import type { Config } from 'vega-lite';
import { cssColor, heatColors } from '../components/heatColors.js';
import { themeValue } from '../theme.js';

/** The theme's chart colours, in the order that tells neighbours apart best. */
const categories = ['blue', 'orange', 'green', 'purple', 'red', 'yellow'];

/** Charts narrower than this have their legend above them, in pixels. */
const narrowWidth = 520;

/** Tells whether a chart of a width has its legend above it. */
export function isNarrow(width: number): boolean {
  return width < narrowWidth;
}

/** Returns the look of charts of this width in the editor's theme: its fonts, its lines, its colours; nothing behind the marks. */
export function chartTheme(width: number): Config {
  const text = themeValue('--vscode-foreground');
  const muted = themeValue('--vscode-descriptionForeground', '--vscode-foreground');
  const line = themeValue('--vscode-contrastBorder', '--vscode-panel-border', '--vscode-foreground');
  const font = themeValue('--vscode-font-family') || 'system-ui, sans-serif';
  const fontSize = Math.max(11, (Number.parseFloat(themeValue('--vscode-font-size')) || 13) - 1);
  const axisLine = { domainColor: line, tickColor: line, gridColor: line, gridOpacity: 0.4 };
  const label = { labelColor: muted, labelFontSize: fontSize, labelLimit: Math.min(260, 0.4 * width) };
  const title = { titleColor: text, titleFontSize: fontSize, titleFontWeight: 'normal' } as const;
  const { positive, negative } = heatColors();
  return {
    background: 'transparent',
    font,
    axis: { ...axisLine, ...label, ...title, labelSeparation: 10 },
    // Names under a chart stand upright: long ones would be higher than the chart.
    axisX: { labelLimit: 120 },
    header: { ...label, ...title },
    // Beside a narrow chart a legend would take the room of the marks.
    legend: { ...label, ...title, ...(isNarrow(width) ? { orient: 'top', columns: 2 } : {}) },
    title: { color: text, subtitleColor: muted, fontSize, fontWeight: 'normal' },
    view: { stroke: null },
    mark: { color: categoryColors()[0] ?? text, tooltip: { content: 'encoding' } },
    rule: { color: muted },
    text: { color: text, fontSize },
    range: {
      category: categoryColors(),
      diverging: [cssColor(negative), themeValue('--vscode-editor-background'), cssColor(positive)],
    },
  };
}

function categoryColors(): string[] {
  const { positive } = heatColors();
  return categories.map((name) =>
    // The theme's own orange may be a translucent highlight.
    name === 'orange' ? cssColor(positive) : themeValue(`--vscode-charts-${name}`, '--vscode-foreground'),
  );
}
