/** Returns the drawn mark whose datum is the one looked for; none on a canvas, which draws marks as pixels. */
export function markElement(
  chart: Element,
  isIt: (datum: Readonly<Record<string, unknown>>) => boolean,
): Element | undefined {
  return [...chart.querySelectorAll('path, rect')].find((element) => {
    const datum = datumOf(element);
    return datum !== undefined && isIt(datum);
  });
}

/** Returns the styles of a box around a mark, in an element that scrolls. */
export function outlineOf(mark: Element, frame: HTMLElement): Readonly<Record<string, string>> {
  const box = mark.getBoundingClientRect();
  const outer = frame.getBoundingClientRect();
  return {
    left: `${String(box.left - outer.left + frame.scrollLeft)}px`,
    top: `${String(box.top - outer.top)}px`,
    width: `${String(box.width)}px`,
    height: `${String(box.height)}px`,
  };
}

/** Vega ties each element it draws to the item of its scene, and that to the datum. */
function datumOf(element: Element): Readonly<Record<string, unknown>> | undefined {
  const { __data__: item } = element as Element & { readonly __data__?: { readonly datum?: unknown } };
  const datum = item?.datum;
  return typeof datum === 'object' && datum !== null ? (datum as Record<string, unknown>) : undefined;
}
