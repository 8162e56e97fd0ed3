import { noChange } from 'lit';
import {
  directive,
  Directive,
  type DirectiveResult,
  type ElementPart,
  type PartInfo,
  PartType,
} from 'lit/directive.js';

/** Styles by their CSS names, custom properties too. */
export type Styles = Readonly<Record<string, string>>;

class ApplyStyle extends Directive {
  private applied: readonly string[] = [];

  constructor(part: PartInfo) {
    super(part);
    if (part.type !== PartType.ELEMENT) throw new Error('applyStyle stands in a tag, not in an attribute.');
  }

  override render(_styles: Styles): typeof noChange {
    return noChange;
  }

  override update(part: ElementPart, [styles]: [Styles]): typeof noChange {
    // Elements of templates are HTML or SVG, and both have a style.
    const { style } = part.element as HTMLElement;
    for (const name of this.applied) {
      if (!(name in styles)) style.removeProperty(name);
    }
    for (const [name, value] of Object.entries(styles)) style.setProperty(name, value);
    this.applied = Object.keys(styles);
    return noChange;
  }
}

/**
 * Sets styles of an element: `<div ${applyStyle({ width: '3px' })}>`.
 *
 * Lit's own `styleMap` first writes a `style` attribute, which the page's policy forbids; this goes through the object
 * model, which it allows.
 */
export const applyStyle: (styles: Styles) => DirectiveResult = directive(ApplyStyle);
