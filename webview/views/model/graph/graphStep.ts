/** Where a key leads from the chosen box. */
export type GraphStep = 'before' | 'after' | 'previous' | 'next' | 'around' | 'inside' | 'first' | 'last';
