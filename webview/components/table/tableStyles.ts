import { css } from 'lit';

/** The style of `ni-table`: a list of the editor with columns. */
export const tableStyles = css`
  :host {
    --row: var(--ni-row-height, 22px);
    position: relative;
  }
  :host([fill]) {
    display: flex;
    flex-direction: column;
    height: 100%;
    min-height: 0;
  }
  .tools {
    display: flex;
    flex-wrap: wrap;
    align-items: center;
    gap: 4px 8px;
    margin-bottom: 4px;
  }
  .tools vscode-textfield {
    flex: 0 1 34ch;
    width: auto;
    min-width: 16ch;
  }
  .tools vscode-single-select {
    width: 20ch;
  }
  .tools .count {
    color: var(--ni-muted);
    font-variant-numeric: tabular-nums;
  }
  .tools .copy {
    display: flex;
  }
  .grid {
    overflow: auto;
    max-width: 100%;
    width: fit-content;
    max-height: var(--ni-table-height, 464px);
    border: 1px solid var(--ni-line);
    scroll-padding-top: calc(var(--row) + 2px);
    font-variant-numeric: tabular-nums;
  }
  :host([fill]) .grid {
    flex: 0 1 auto;
    max-height: none;
    min-height: 0;
  }
  .sheet {
    width: fit-content;
    min-width: 100%;
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
    height: var(--row);
  }
  .body .row {
    position: absolute;
    inset-inline: 0;
    top: 0;
  }
  .body .row:hover {
    background: var(--ni-hover);
    outline: 1px dashed var(--ni-hover-outline);
    outline-offset: -1px;
  }
  :host([pickable]) .body .row {
    cursor: pointer;
  }
  .body .row.marked {
    outline: 2px solid var(--vscode-focusBorder);
    outline-offset: -2px;
  }
  .body .row.current {
    background: var(--vscode-list-inactiveSelectionBackground);
  }
  .cell {
    display: flex;
    align-items: center;
    min-width: 0;
    padding: 0 10px;
    line-height: var(--row);
    white-space: nowrap;
  }
  .cell > * {
    min-width: 0;
    overflow: hidden;
    text-overflow: ellipsis;
  }
  .number {
    justify-content: flex-end;
  }
  .cell:focus-visible,
  .cell a:focus-visible {
    outline: 1px solid var(--vscode-focusBorder);
    outline-offset: -1px;
  }
  .head .cell {
    gap: 4px;
    font-weight: 600;
    cursor: pointer;
    user-select: none;
  }
  .head .cell:hover {
    background: var(--ni-hover);
  }
  .head .unit {
    flex: none;
    font-weight: normal;
    color: var(--ni-muted);
  }
  .head .arrow {
    flex: none;
    width: 1ch;
    font-size: 0.8em;
  }
  .head .number .arrow {
    order: -1;
  }
  .bar {
    flex: none;
    width: 60px;
    height: 8px;
    margin-right: auto;
    border: 1px solid var(--ni-hairline);
  }
  .bar span {
    display: block;
    height: 100%;
    background: var(--ni-accent);
  }
  .state {
    gap: 6px;
  }
  .state i {
    flex: none;
    width: 1.2ch;
    font-style: normal;
    font-size: 0.8em;
    text-align: center;
  }
  .error {
    color: var(--ni-error);
  }
  .warning {
    color: var(--ni-warning);
  }
  .nothing,
  .more {
    margin: 0;
    padding: 6px 10px;
    color: var(--ni-muted);
  }
  .more {
    padding-left: 0;
  }
  @media (forced-colors: active) {
    .bar span {
      background: CanvasText;
      forced-color-adjust: none;
    }
  }
`;
