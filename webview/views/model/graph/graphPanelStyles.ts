import { css } from 'lit';

/** The panel beside a graph. */
export const graphPanelStyles = css`
  section {
    padding: 8px 12px;
    overflow-wrap: anywhere;
  }
  h2,
  h3 {
    margin: 0;
    font-size: 1em;
    font-weight: 600;
  }
  h3 {
    margin-top: 10px;
  }
  p {
    margin: 2px 0 6px;
  }
  .path {
    color: var(--ni-muted);
  }
  ul,
  ol {
    margin: 0;
    padding-inline-start: 3ch;
  }
  ul {
    padding-inline-start: 0;
    list-style: none;
  }
  li {
    padding: 1px 0;
  }
  table {
    width: 100%;
    border-collapse: collapse;
  }
  th,
  td {
    padding: 1px 8px 1px 0;
    font-weight: normal;
    text-align: start;
    vertical-align: top;
  }
  th {
    color: var(--ni-muted);
    white-space: nowrap;
  }
  td {
    width: 100%;
    font-variant-numeric: tabular-nums;
  }
  kbd {
    font-family: var(--ni-code-font);
    font-size: 0.95em;
  }
`;
