import { css } from 'lit';

/** A row of controls that stays in sight above what it changes: sliders, a legend, the value pointed at. */
export const controlStyles = css`
  .controls {
    position: sticky;
    top: var(--ni-sticky-top, 0);
    z-index: 1;
    display: flex;
    flex-wrap: wrap;
    align-items: center;
    gap: 4px 20px;
    min-height: 26px;
    padding: 2px 0 6px;
    background: var(--vscode-editor-background);
  }
  label {
    display: flex;
    align-items: center;
    gap: 6px;
    color: var(--ni-muted);
  }
  input {
    width: 120px;
    accent-color: var(--ni-accent);
  }
`;

/** A list of figures side by side, captions below them and no wider. */
export const figureStyles = css`
  ul {
    display: flex;
    flex-wrap: wrap;
    gap: 12px;
    margin: 0;
    padding: 0;
    list-style: none;
  }
  figure {
    display: table;
    margin: 0;
  }
  figcaption {
    display: table-caption;
    caption-side: bottom;
    margin-top: 2px;
    color: var(--ni-muted);
    font-size: 0.9em;
    overflow-wrap: anywhere;
  }
`;
