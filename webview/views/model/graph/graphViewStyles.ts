import { css } from 'lit';

/** The drawing of a graph in the editor's theme. */
export const graphViewStyles = css`
  :host {
    position: relative;
    display: block;
    min-width: 0;
    min-height: 0;
    overflow: hidden;
  }
  svg.view {
    display: block;
    width: 100%;
    height: 100%;
    cursor: grab;
    touch-action: none;
    user-select: none;
  }
  svg.view.moving {
    cursor: grabbing;
  }
  svg.view:focus-visible {
    outline: 1px solid var(--vscode-focusBorder);
    outline-offset: -1px;
  }
  text {
    fill: var(--vscode-editor-foreground, var(--vscode-foreground));
    font-family: var(--vscode-font-family, system-ui, sans-serif);
    pointer-events: none;
  }
  .title {
    font-size: 12px;
    font-weight: 600;
  }
  .label {
    font-size: 11px;
    fill: var(--ni-muted);
  }
  .twistie {
    font-size: 11px;
    fill: var(--vscode-icon-foreground, var(--vscode-foreground));
  }
  .twistie-area {
    fill: transparent;
    cursor: pointer;
  }
  .box {
    cursor: pointer;
  }
  .shape {
    fill: var(--vscode-editorWidget-background, var(--vscode-editor-background));
    stroke: var(--ni-graph-line);
    stroke-width: 1;
  }
  .module > .shape,
  .block > .shape,
  .part > .shape {
    fill: var(--vscode-sideBar-background, var(--vscode-editorWidget-background));
  }
  .module > .back,
  .block > .back,
  .part > .back {
    fill: var(--vscode-editor-background);
    stroke: var(--ni-graph-line);
  }
  .frame > .shape {
    fill: var(--vscode-foreground);
    fill-opacity: 0.03;
    stroke-dasharray: 4 3;
  }
  /* What was recognised has an outline of its own: the exporter said nothing of it. */
  .block > .shape {
    stroke: var(--ni-accent);
  }
  .layer > .shape {
    stroke: var(--vscode-foreground);
  }
  .input > .shape,
  .output > .shape {
    fill: none;
    stroke: var(--ni-muted);
  }
  .box:hover > .shape {
    stroke: var(--vscode-focusBorder);
  }
  .found > .shape {
    stroke: var(--vscode-editorWarning-foreground, var(--ni-warning));
    stroke-width: 2;
  }
  .chosen > .shape {
    stroke: var(--vscode-focusBorder);
    stroke-width: 2.5;
  }
  .heat {
    pointer-events: none;
    forced-color-adjust: none;
  }
  .heat.wash {
    opacity: 0.28;
  }
  .far .heat.wash {
    opacity: 1;
  }
  .far text,
  .far .back {
    display: none;
  }
  .line {
    fill: none;
    stroke: var(--ni-graph-line);
    stroke-width: 1.1;
    pointer-events: none;
  }
  .line.hot {
    stroke: var(--vscode-focusBorder);
    stroke-width: 2.2;
  }
  @media (forced-colors: active) {
    .shape,
    .line {
      stroke: CanvasText;
    }
    text {
      fill: CanvasText;
    }
    .chosen > .shape,
    .line.hot {
      stroke: Highlight;
    }
  }
`;
