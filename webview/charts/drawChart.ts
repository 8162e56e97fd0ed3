import type { Loader, View } from 'vega';
import embed, { type VisualizationSpec } from 'vega-embed';
import { expressionInterpreter } from 'vega-interpreter';
import { chartTheme } from './chartTheme.js';

/** A chart wider than this is harder to read, not easier. */
const maxWidth = 760;

/** With more marks than this, one element each is slower than a canvas. */
const maxSvgRows = 2000;

/** A chart as it is drawn. */
export interface DrawnChart {
  resize(width: number): void;
  /** Hears the datum of a mark that was clicked, and where in the window. */
  onPick(listener: (datum: Readonly<Record<string, unknown>>, at: DOMRect) => void): void;
  dispose(): void;
}

/**
 * Draws a Vega-Lite specification into an element, in the colours of the theme.
 *
 * Nothing is loaded and no code is made from text: the specification may come from somebody else's report, so expressions
 * are interpreted and every URL is refused. Rejects when the specification cannot be drawn.
 */
export async function drawChart(
  container: HTMLElement,
  spec: Readonly<Record<string, unknown>>,
  options: { readonly width: number; readonly rowCount: number; readonly isPickable: boolean },
): Promise<DrawnChart> {
  const isFlexible = hasFlexibleWidth(spec);
  const sized = isFlexible
    ? {
        ...spec,
        width: Math.min(options.width, maxWidth),
        autosize: { type: 'fit-x', contains: 'padding' },
      }
    : spec;
  const config = chartTheme(options.width);
  const { view } = await embed(
    container,
    // The report's schema leaves specifications open; a wrong one rejects. Options of its own are not heard.
    { ...sized, usermeta: undefined } as unknown as VisualizationSpec,
    {
      mode: 'vega-lite',
      actions: false,
      ast: true,
      expr: expressionInterpreter,
      renderer: options.rowCount > maxSvgRows ? 'canvas' : 'svg',
      defaultStyle: false,
      config: options.isPickable ? { ...config, mark: { ...config.mark, cursor: 'pointer' } } : config,
      tooltip: { disableDefaultStyle: true, theme: 'editor' },
      loader: refusingLoader,
      logLevel: 0,
    },
  );
  return drawn(view, isFlexible);
}

function drawn(view: View, isFlexible: boolean): DrawnChart {
  return {
    resize: (width) => {
      if (isFlexible) void view.width(Math.min(width, maxWidth)).runAsync();
    },
    onPick: (listener) => {
      view.addEventListener('click', (event, item) => {
        const datum: unknown = item?.datum;
        if (typeof datum !== 'object' || datum === null) return;
        const [x, y] = event instanceof MouseEvent ? [event.clientX, event.clientY] : [0, 0];
        listener(datum as Record<string, unknown>, new DOMRect(x, y, 1, 1));
      });
    },
    dispose: () => {
      view.finalize();
    },
  };
}

/** A single view without a width of its own takes what there is; facets and rows of views know theirs. */
function hasFlexibleWidth(spec: Readonly<Record<string, unknown>>): boolean {
  const isComposed = ['facet', 'repeat', 'concat', 'hconcat', 'vconcat'].some((key) => key in spec);
  return !isComposed && (spec['width'] === undefined || spec['width'] === 'container');
}

const refuse = (): Promise<never> => Promise.reject(new Error('Charts in reports load nothing.'));

/** A report must not make the page ask for anything. */
const refusingLoader = {
  load: refuse,
  sanitize: refuse,
  http: refuse,
  file: refuse,
} as unknown as Loader; // Only these are called; the type also lists options.
