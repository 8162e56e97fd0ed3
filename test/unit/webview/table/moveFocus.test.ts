import assert from 'node:assert/strict';
import fc from 'fast-check';
import { type GridPlace, moveFocus } from '../../../../webview/components/table/moveFocus.js';

const size = { rowCount: 100, columnCount: 4, pageSize: 10 };
const press = (from: GridPlace, key: string, ctrlKey = false): GridPlace | undefined =>
  moveFocus(from, { key, ctrlKey, metaKey: false }, size);

describe('focus in a grid', () => {
  it('moves by cells, rows and pages', () => {
    assert.deepEqual(press({ row: 5, column: 1 }, 'ArrowUp'), { row: 4, column: 1 });
    assert.deepEqual(press({ row: 5, column: 1 }, 'ArrowRight'), { row: 5, column: 2 });
    assert.deepEqual(press({ row: 5, column: 1 }, 'PageDown'), { row: 15, column: 1 });
    assert.deepEqual(press({ row: 15, column: 1 }, 'PageUp'), { row: 5, column: 1 });
    assert.deepEqual(press({ row: 5, column: 1 }, 'End'), { row: 5, column: 3 });
    assert.deepEqual(press({ row: 5, column: 1 }, 'End', true), { row: 99, column: 3 });
  });

  it('reaches the header by arrow, and by page only from the first row', () => {
    assert.deepEqual(press({ row: 0, column: 2 }, 'ArrowUp'), { row: -1, column: 2 });
    assert.deepEqual(press({ row: 3, column: 2 }, 'PageUp'), { row: 0, column: 2 });
    assert.deepEqual(press({ row: -1, column: 2 }, 'ArrowUp'), { row: -1, column: 2 });
  });

  it('leaves other keys alone', () => {
    assert.equal(press({ row: 0, column: 0 }, 'a'), undefined);
    assert.equal(press({ row: 0, column: 0 }, 'Tab'), undefined);
  });

  it('never leaves the grid', () => {
    const keys = ['ArrowUp', 'ArrowDown', 'ArrowLeft', 'ArrowRight', 'PageUp', 'PageDown', 'Home', 'End'];
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.constantFrom(...keys), fc.boolean())),
        fc.integer({ min: 0, max: 20 }),
        (pressed, rowCount) => {
          let place: GridPlace = { row: -1, column: 0 };
          for (const [key, ctrlKey] of pressed) {
            place = moveFocus(place, { key, ctrlKey, metaKey: false }, { ...size, rowCount }) ?? place;
          }
          assert.ok(place.row >= -1 && place.row < Math.max(0, rowCount) && place.column >= 0);
          assert.ok(place.column < size.columnCount);
        },
      ),
    );
  });
});
