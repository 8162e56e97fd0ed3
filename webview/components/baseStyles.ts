import { css } from 'lit';

/** What all our elements share inside their shadow roots: the page's style sheet does not reach there. */
export const baseStyles = css`
  :host {
    display: block;
  }
  :host([hidden]) {
    display: none;
  }
  *,
  *::before,
  *::after {
    box-sizing: border-box;
  }
  a {
    color: var(--vscode-textLink-foreground);
    text-decoration: none;
    cursor: pointer;
  }
  a:hover {
    color: var(--vscode-textLink-activeForeground);
    text-decoration: underline;
  }
  button.text {
    padding: 0;
    border: 0;
    color: var(--vscode-textLink-foreground);
    background: none;
    font: inherit;
    cursor: pointer;
  }
  button.text:hover {
    text-decoration: underline;
  }
  /* A button does not inherit the font; the label brings it. */
  vscode-toolbar-button > span {
    font-family: var(--vscode-font-family, system-ui, sans-serif);
    font-size: var(--vscode-font-size, 13px);
  }
  :focus-visible {
    outline: 1px solid var(--vscode-focusBorder);
    outline-offset: 1px;
  }
  code,
  .address {
    font-family: var(--ni-code-font);
    font-size: 0.95em;
  }
  .muted {
    color: var(--ni-muted);
  }
  .hidden-text {
    position: absolute;
    width: 1px;
    height: 1px;
    margin: -1px;
    overflow: hidden;
    clip-path: inset(50%);
    white-space: nowrap;
  }
  @media (prefers-reduced-motion: reduce) {
    * {
      animation-duration: 0.01ms !important;
      transition: none !important;
    }
  }
  @media (forced-colors: active) {
    :focus-visible {
      outline: 2px solid Highlight;
    }
  }
`;
