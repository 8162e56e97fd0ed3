import type { MeasureText } from './columnWidths.js';

/** Returns how wide texts are in the fonts of an element. */
export function textMeasure(element: HTMLElement): MeasureText {
  const context = document.createElement('canvas').getContext('2d');
  const style = getComputedStyle(element);
  const { fontFamily, fontSize, fontWeight } = style;
  if (context === null) return (text) => text.length * Number.parseFloat(fontSize) * 0.6;
  const fonts = {
    cell: `${fontWeight} ${fontSize} ${fontFamily}`,
    header: `600 ${fontSize} ${fontFamily}`,
    address: `${fontSize} ${style.getPropertyValue('--ni-code-font') || 'monospace'}`,
  };
  return (text, part) => {
    context.font = fonts[part];
    return context.measureText(text).width;
  };
}
