import { css } from 'lit';

/** The look of the form: the density of the editor's own settings, its colours only. */
export const formStyles = css`
  main {
    max-width: 1240px;
    padding: 16px 24px 0;
  }
  h1 {
    margin: 0;
    font-size: 1.5em;
    font-weight: 600;
    overflow-wrap: anywhere;
  }
  h2 {
    display: inline;
    margin: 0;
    font-size: 1em;
    font-weight: 600;
  }
  p {
    margin: 0;
  }
  .asks {
    margin-top: 2px;
    color: var(--ni-muted);
  }
  section,
  details {
    margin-top: 18px;
  }
  .heading {
    display: flex;
    align-items: baseline;
    gap: 12px;
    margin-bottom: 6px;
  }

  .data {
    margin-top: 6px;
    padding: 8px 12px;
    border: 1px solid var(--ni-line);
    border-radius: 4px;
  }
  .data.wrong {
    border-color: var(--vscode-inputValidation-errorBorder, var(--ni-error));
  }
  .place {
    display: flex;
    flex-wrap: wrap;
    align-items: center;
    gap: 2px 12px;
  }
  .place .name {
    overflow-wrap: anywhere;
    text-align: start;
  }
  .place .folder {
    flex: 1 1 12ch;
    min-width: 0;
    overflow-wrap: anywhere;
  }
  .place vscode-button {
    margin-inline-start: auto;
  }
  .warnings {
    margin: 6px 0 2px;
    padding: 0;
    list-style: none;
  }
  .warnings li {
    display: flex;
    gap: 6px;
    margin-top: 2px;
    overflow-wrap: anywhere;
  }
  .warnings vscode-icon {
    flex: none;
    color: var(--ni-warning);
  }
  .proposal {
    margin-top: 8px;
  }
  pre {
    margin: 6px 0;
    padding: 8px 10px;
    overflow: auto;
    border: 1px solid var(--ni-line);
    border-radius: 4px;
    background: var(--vscode-textCodeBlock-background, transparent);
    font-family: var(--ni-code-font);
    font-size: 0.95em;
  }
  .proposal pre {
    max-height: 260px;
  }
  pre.command {
    margin: 0;
    white-space: pre-wrap;
    overflow-wrap: anywhere;
  }
  .buttons {
    display: flex;
    flex-wrap: wrap;
    gap: 6px;
  }

  .fields {
    display: grid;
    /* Two columns where there is room: lines stay short, and nothing is far below. */
    grid-template-columns: repeat(auto-fit, minmax(min(100%, 460px), 1fr));
    gap: 0 32px;
    align-items: start;
  }
  .field {
    padding: 8px 0 8px 12px;
    border-inline-start: 2px solid transparent;
  }
  .field.changed {
    border-inline-start-color: var(--vscode-settings-modifiedItemIndicator, var(--ni-accent));
  }
  .label,
  .check,
  .control {
    display: flex;
    align-items: center;
    gap: 8px;
  }
  .label {
    min-height: 22px;
  }
  .label label {
    font-weight: 600;
  }
  .check label {
    font-weight: 600;
  }
  .description {
    max-width: 76ch;
    margin-top: 3px;
    color: var(--ni-muted);
  }
  .problem {
    color: var(--ni-error);
    overflow-wrap: anywhere;
  }

  input[type='text'],
  select {
    width: min(100%, 420px);
    height: 26px;
    padding: 2px 6px;
    border: 1px solid var(--vscode-settings-textInputBorder, var(--vscode-input-border, var(--ni-line)));
    border-radius: 2px;
    color: var(--vscode-settings-textInputForeground, var(--vscode-input-foreground));
    background: var(--vscode-settings-textInputBackground, var(--vscode-input-background));
    font: inherit;
  }
  input.number {
    width: min(100%, 220px);
    font-variant-numeric: tabular-nums;
  }
  select {
    width: min(100%, 320px);
    border-color: var(--vscode-settings-dropdownBorder, var(--vscode-dropdown-border, var(--ni-line)));
    color: var(--vscode-settings-dropdownForeground, var(--vscode-dropdown-foreground));
    background: var(--vscode-settings-dropdownBackground, var(--vscode-dropdown-background));
  }
  input::placeholder {
    color: var(--vscode-input-placeholderForeground);
    opacity: 1;
  }
  input[type='checkbox'] {
    display: grid;
    flex: none;
    width: 18px;
    height: 18px;
    margin: 0;
    place-content: center;
    appearance: none;
    border: 1px solid var(--vscode-settings-checkboxBorder, var(--vscode-checkbox-border, var(--ni-line)));
    border-radius: 3px;
    background: var(--vscode-settings-checkboxBackground, var(--vscode-checkbox-background));
  }
  input[type='checkbox']:checked::before {
    width: 11px;
    height: 11px;
    background: var(--vscode-settings-checkboxForeground, var(--vscode-checkbox-foreground));
    clip-path: polygon(14% 44%, 0 65%, 43% 100%, 100% 16%, 80% 0%, 39% 62%);
    content: '';
  }
  @media (forced-colors: active) {
    input[type='checkbox']:checked::before {
      background: CanvasText;
    }
  }
  input[aria-invalid='true'],
  select[aria-invalid='true'] {
    border-color: var(--vscode-inputValidation-errorBorder, var(--ni-error));
  }
  input:focus-visible,
  select:focus-visible {
    outline: 1px solid var(--vscode-focusBorder);
    outline-offset: -1px;
  }
  button.icon {
    display: inline-flex;
    padding: 2px;
    border: 0;
    border-radius: 4px;
    color: var(--vscode-icon-foreground, inherit);
    background: none;
    cursor: pointer;
  }
  button.icon:hover {
    background: var(--vscode-toolbar-hoverBackground, var(--ni-hover));
    outline: 1px dashed var(--ni-hover-outline);
  }

  ni-suggest-field {
    display: block;
    width: min(100%, 420px);
  }
  .suggest {
    position: relative;
  }
  .suggestions {
    position: absolute;
    z-index: 10;
    top: 100%;
    left: 0;
    width: 100%;
    max-height: 240px;
    margin: 2px 0 0;
    padding: 2px 0;
    overflow: auto;
    list-style: none;
    border: 1px solid var(--vscode-editorSuggestWidget-border, var(--ni-line));
    color: var(--vscode-editorSuggestWidget-foreground, var(--vscode-foreground));
    background: var(--vscode-editorSuggestWidget-background, var(--vscode-editor-background));
  }
  .suggestions li {
    display: flex;
    flex-wrap: wrap;
    gap: 0 10px;
    padding: 2px 8px;
    cursor: pointer;
  }
  .suggestions .name {
    font-family: var(--ni-code-font);
    overflow-wrap: anywhere;
  }
  .suggestions li:hover {
    background: var(--ni-hover);
    outline: 1px dashed var(--ni-hover-outline);
    outline-offset: -1px;
  }
  .suggestions li[aria-selected='true'] {
    color: var(--vscode-editorSuggestWidget-selectedForeground, var(--vscode-list-activeSelectionForeground));
    background: var(
      --vscode-editorSuggestWidget-selectedBackground,
      var(--vscode-list-activeSelectionBackground)
    );
    outline: 1px solid var(--vscode-contrastActiveBorder, transparent);
    outline-offset: -1px;
  }
  .suggestions li[aria-selected='true'] .muted {
    color: inherit;
  }

  summary {
    cursor: pointer;
  }
  summary .muted {
    margin-inline-start: 8px;
  }

  .start {
    position: sticky;
    bottom: 0;
    display: flex;
    flex-wrap: wrap;
    align-items: center;
    gap: 6px 10px;
    margin-top: 20px;
    padding: 10px 0;
    border-top: 1px solid var(--ni-line);
    background: var(--vscode-editor-background);
  }
  .outlook {
    display: flex;
    flex: 1 1 24ch;
    flex-wrap: wrap;
    gap: 2px 10px;
    min-width: 0;
    overflow-wrap: anywhere;
  }
`;
