import { css } from 'lit';

/** The list of layers: a list of the editor with columns. */
export const layersStyles = css`
  :host {
    display: flex;
    flex-direction: column;
    height: 100%;
    min-height: 0;
    --row: 22px;
    --tracks: minmax(calc(var(--name, 22ch) + 32px), 3fr) minmax(15ch, 1.3fr) 8ch 13ch minmax(14ch, 1.4fr)
      15ch minmax(14ch, 1fr);
  }
  .tools {
    display: flex;
    flex-wrap: wrap;
    align-items: center;
    gap: 4px 8px;
    padding: 6px 12px;
  }
  .tools vscode-textfield {
    flex: 0 1 34ch;
    width: auto;
    min-width: 16ch;
  }
  .tools .count {
    color: var(--ni-muted);
    font-variant-numeric: tabular-nums;
  }
  .tools .end {
    display: flex;
    margin-left: auto;
  }
  .grid {
    flex: 1 1 auto;
    min-height: 0;
    overflow: auto;
    border-top: 1px solid var(--ni-line);
    font-variant-numeric: tabular-nums;
    scroll-padding-top: calc(var(--row) + 2px);
  }
  .sheet {
    min-width: min-content;
  }
  .head {
    position: sticky;
    top: 0;
    z-index: 2;
    background: var(--ni-panel);
    border-bottom: 1px solid var(--ni-line);
  }
  .body {
    position: relative;
  }
  .row {
    display: grid;
    grid-template-columns: var(--tracks);
    height: var(--row);
    line-height: var(--row);
  }
  .body .row {
    position: absolute;
    inset-inline: 0;
    top: 0;
    cursor: pointer;
  }
  .body .row:hover {
    background: var(--ni-hover);
    outline: 1px dashed var(--ni-hover-outline);
    outline-offset: -1px;
  }
  .body .row.chosen {
    color: var(--vscode-list-inactiveSelectionForeground, inherit);
    background: var(--vscode-list-inactiveSelectionBackground);
    outline: 1px dotted var(--ni-hover-outline);
    outline-offset: -1px;
  }
  .body .row.chosen:focus {
    color: var(--vscode-list-activeSelectionForeground, inherit);
    background: var(--vscode-list-activeSelectionBackground);
  }
  .body .row:focus-visible {
    outline: 1px solid var(--vscode-focusBorder);
    outline-offset: -1px;
  }
  .body .row.chosen:focus .muted,
  .body .row.chosen:focus .kind,
  .body .row.chosen:focus .warning {
    color: inherit;
  }
  .cell {
    display: flex;
    align-items: center;
    gap: 4px;
    min-width: 0;
    padding: 0 8px;
    white-space: nowrap;
  }
  .cell > span {
    min-width: 0;
    overflow: hidden;
    text-overflow: ellipsis;
  }
  .number {
    justify-content: flex-end;
  }
  .kind,
  .path {
    color: var(--ni-muted);
  }
  .head button {
    display: flex;
    align-items: center;
    gap: 4px;
    width: 100%;
    height: 100%;
    padding: 0 8px;
    border: 0;
    color: inherit;
    background: none;
    font: inherit;
    font-weight: 600;
    text-align: start;
    cursor: pointer;
  }
  .head .number button {
    justify-content: flex-end;
  }
  .head .cell {
    padding: 0;
  }
  .head button:hover {
    background: var(--ni-hover);
  }
  .head button:focus-visible {
    outline-offset: -1px;
  }
  .arrow {
    flex: none;
    width: 1ch;
    font-size: 0.8em;
  }
  .twistie {
    flex: none;
    width: 16px;
    color: var(--vscode-icon-foreground);
    text-align: center;
  }
  .bar {
    flex: 1 1 auto;
    min-width: 4ch;
    height: 8px;
    border: 1px solid var(--ni-hairline);
  }
  .bar > i {
    display: block;
    height: 100%;
    background: var(--ni-accent);
  }
  .share {
    flex: none;
    width: 7ch;
    text-align: end;
  }
  .warning {
    color: var(--ni-warning);
  }
  mark {
    color: inherit;
    background: var(--vscode-editor-findMatchHighlightBackground);
    outline: 1px solid var(--vscode-editor-findMatchHighlightBorder, transparent);
  }
  .nothing {
    margin: 0;
    padding: 10px 12px;
    color: var(--ni-muted);
  }
  .details {
    flex: none;
    max-height: 40%;
    overflow: auto;
    border-top: 1px solid var(--ni-line);
  }
  @media (forced-colors: active) {
    .bar > i {
      background: CanvasText;
      forced-color-adjust: none;
    }
  }
`;
