import type { Loader, LoggerInterface, Spec, View as VegaView } from 'vega';
import type { Config, TopLevelSpec } from 'vega-lite';
import type { ChartBlock } from '../../protocol/blocks.js';

/** Width of a chart that asks for the width of its container. */
const containerWidth = 720;

// Works on light and dark ground alike: text and lines take the colour of the page, marks middle tones.
const palette = ['#3b82c4', '#e0863a', '#4fa363', '#d1577a', '#8c6bc8', '#a98b2d', '#3aa6a6', '#9a6b4f'];
const line = { domainColor: 'currentColor', domainOpacity: 0.4, tickColor: 'currentColor', tickOpacity: 0.4 };
const config: Config = {
  background: 'transparent',
  font: 'system-ui, sans-serif',
  axis: {
    ...line,
    gridColor: 'currentColor',
    gridOpacity: 0.12,
    labelColor: 'currentColor',
    labelOpacity: 0.8,
    titleColor: 'currentColor',
    titleFontWeight: 500,
    labelLimit: 260,
  },
  // Names of layers and what belongs to them are long; Vega cuts at 160.
  legend: {
    labelLimit: 320,
    symbolLimit: 60,
    labelColor: 'currentColor',
    titleColor: 'currentColor',
    titleFontWeight: 500,
  },
  title: { color: 'currentColor', subtitleColor: 'currentColor' },
  view: { stroke: null },
  mark: { color: palette[0] ?? 'steelblue' },
  range: { category: palette },
};

/**
 * Returns a chart as an SVG element that scales with its container and reads on light and dark ground.
 *
 * Nothing is loaded and no code is generated: the specification may come from somebody else's report, so expressions
 * are interpreted and every URL is refused. Returns undefined when the specification cannot be drawn.
 */
export async function chartSvg(block: ChartBlock): Promise<string | undefined> {
  const [vega, vegaLite, { expressionInterpreter }] = await Promise.all([
    import('vega'),
    import('vega-lite'),
    import('vega-interpreter'),
  ]);
  let view: VegaView | undefined;
  try {
    const sized = block.spec['width'] === 'container' ? { ...block.spec, width: containerWidth } : block.spec;
    // The report's schema leaves specifications open; a wrong one throws here and is shown as its table.
    const { spec } = vegaLite.compile(sized as unknown as TopLevelSpec, { config, logger: silentLogger });
    view = new vega.View(vega.parse(spec satisfies Spec, undefined, { ast: true }), {
      renderer: 'none',
      expr: expressionInterpreter,
      loader: refusingLoader,
      logger: silentLogger,
    });
    return responsive(await view.toSVG());
  } catch {
    return undefined;
  } finally {
    view?.finalize();
  }
}

/** A standalone page must not depend on anything, and a report must not make us read files. */
const refusingLoader = {
  load: () => Promise.reject(new Error('Charts in reports load nothing.')),
  sanitize: () => Promise.reject(new Error('Charts in reports link nowhere.')),
  http: () => Promise.reject(new Error('Charts in reports load nothing.')),
  file: () => Promise.reject(new Error('Charts in reports load nothing.')),
} as unknown as Loader; // Only these are called; the type also lists options.

/** Remarks on a specification are for its author, not for who exports a report. */
const silentLogger = {
  level: () => silentLogger,
  error: () => silentLogger,
  warn: () => silentLogger,
  info: () => silentLogger,
  debug: () => silentLogger,
} as unknown as LoggerInterface; // `level` is a getter and a setter in one; nobody reads it here.

/** The view box keeps the proportions; the style sheet gives the width. */
function responsive(svg: string): string {
  return svg.replace(/^<svg /, '<svg role="img" focusable="false" ');
}
