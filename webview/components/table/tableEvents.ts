import type { GridPlace } from './moveFocus.js';

/** Returns the value of the field that an event came from; the elements of vscode-elements have one as inputs do. */
export function valueOf(event: Event): string {
  const { currentTarget } = event;
  return currentTarget !== null && 'value' in currentTarget ? String(currentTarget.value) : '';
}

/** Returns the cell of a grid that an event came from. */
export function placeOf(target: EventTarget | null): GridPlace | undefined {
  if (!(target instanceof Element)) return undefined;
  const row = target.closest<HTMLElement>('[data-row]')?.dataset['row'];
  const column = target.closest<HTMLElement>('[data-column]')?.dataset['column'];
  return row === undefined || column === undefined ? undefined : { row: Number(row), column: Number(column) };
}

/** Returns the address of the link that an event came from. */
export function addressIn(target: EventTarget | null): string | undefined {
  return target instanceof Element
    ? target.closest<HTMLElement>('[data-address]')?.dataset['address']
    : undefined;
}

/** Returns the file of the report that the link which an event came from leads to. */
export function partFileIn(target: EventTarget | null): string | undefined {
  return target instanceof Element
    ? target.closest<HTMLElement>('[data-part-file]')?.dataset['partFile']
    : undefined;
}
