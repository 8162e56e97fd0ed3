import { css } from 'lit';

/** How a histogram looks in the editor's theme. */
export const histogramStyles = css`
  svg {
    display: block;
    max-width: 100%;
    overflow: visible;
    font-variant-numeric: tabular-nums;
  }
  text {
    fill: var(--ni-muted);
    font-size: max(11px, 0.85em);
  }
  .title {
    fill: var(--vscode-foreground);
  }
  .grid {
    stroke: var(--ni-hairline);
    stroke-opacity: 0.6;
  }
  .ground {
    stroke: var(--ni-line);
  }
  .zero {
    stroke: var(--vscode-foreground);
    stroke-dasharray: 3 3;
  }
  .column {
    fill: transparent;
  }
  .bar {
    fill: var(--ni-accent);
    shape-rendering: crispEdges;
  }
  .bin:hover .column {
    fill: var(--ni-hover);
    stroke: var(--ni-hover-outline);
  }
  .tools {
    display: flex;
    flex-wrap: wrap;
    margin: 2px 0 0 -4px;
  }
  p {
    margin: 0;
  }
  @media (forced-colors: active) {
    .bar {
      fill: CanvasText;
    }
  }
`;
