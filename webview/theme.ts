import type { ReactiveController, ReactiveControllerHost } from 'lit';

/**
 * Calls the listener whenever the editor's theme changes; returns what stops that.
 *
 * The editor tells a page of a new theme by the classes and attributes of its body and by the variables of its root.
 */
export function onThemeChange(listener: () => void): () => void {
  const observer = new MutationObserver(listener);
  observer.observe(document.body, {
    attributeFilter: ['class', 'data-vscode-theme-kind', 'data-vscode-theme-id'],
  });
  observer.observe(document.documentElement, { attributeFilter: ['style', 'class'] });
  return () => {
    observer.disconnect();
  };
}

/** Returns the value of a theme's variable, the first of the names that is defined; empty when none is. */
export function themeValue(...names: readonly string[]): string {
  const style = getComputedStyle(document.documentElement);
  for (const name of names) {
    const value = style.getPropertyValue(name).trim();
    if (value !== '') return value;
  }
  return '';
}

/** Draws an element again when the theme changes: for what is painted with colours and not styled with variables. */
export class ThemeController implements ReactiveController {
  private readonly host: ReactiveControllerHost;
  private stop: (() => void) | undefined;

  constructor(host: ReactiveControllerHost) {
    this.host = host;
    host.addController(this);
  }

  hostConnected(): void {
    this.stop = onThemeChange(() => {
      this.host.requestUpdate();
    });
  }

  hostDisconnected(): void {
    this.stop?.();
  }
}
