import { css } from 'lit';

/** The tab of a graph: tools, drawing, panel. */
export const graphStyles = css`
  :host {
    display: flex;
    flex-direction: column;
    height: 100%;
    min-height: 0;
    --ni-graph-line: var(
      --vscode-contrastBorder,
      color-mix(in srgb, var(--vscode-foreground) 45%, var(--vscode-editor-background))
    );
  }
  .waiting {
    margin: 0;
    padding: 12px;
  }
  .tools {
    display: flex;
    flex: none;
    flex-wrap: wrap;
    align-items: center;
    gap: 4px 8px;
    padding: 6px 12px;
    border-bottom: 1px solid var(--ni-line);
  }
  .tools vscode-textfield {
    flex: 0 1 38ch;
    width: auto;
    min-width: 16ch;
  }
  .tools .metric {
    width: 26ch;
  }
  .tools .count {
    color: var(--ni-muted);
    font-variant-numeric: tabular-nums;
  }
  .tools .end {
    display: flex;
    margin-left: auto;
  }
  .parts {
    display: flex;
    flex: 1 1 auto;
    min-height: 0;
  }
  .drawing {
    position: relative;
    flex: 1 1 auto;
    min-width: 0;
    min-height: 0;
  }
  ni-graph-view {
    width: 100%;
    height: 100%;
  }
  aside {
    flex: none;
    width: clamp(220px, 30%, 380px);
    overflow: auto;
    border-inline-start: 1px solid var(--ni-line);
  }
  aside:focus-visible {
    outline-offset: -1px;
  }
  ni-graph-results {
    max-height: 45%;
    overflow: auto;
    border-bottom: 1px solid var(--ni-line);
  }
  .notice {
    position: absolute;
    inset: 8px 8px auto;
    z-index: 2;
    display: flex;
    flex-wrap: wrap;
    align-items: center;
    gap: 6px 12px;
    width: fit-content;
    max-width: calc(100% - 16px);
    padding: 6px 10px;
    background: var(--ni-panel);
    border: 1px solid var(--ni-line);
  }
  @media (max-width: 640px) {
    .parts {
      flex-direction: column;
    }
    aside {
      width: auto;
      height: 38%;
      border-inline-start: 0;
      border-top: 1px solid var(--ni-line);
    }
  }
`;
