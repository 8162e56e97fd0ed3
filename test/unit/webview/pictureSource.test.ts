import assert from 'node:assert/strict';
import { drawnSize, pictureSource } from '../../../webview/components/pictureSource.js';

const base = 'https://file.example/report';

describe('the source of a picture', () => {
  it('is a data URI of pixels, or a file beside the report', () => {
    const pixels = 'data:image/png;base64,AAAA';
    assert.equal(pictureSource(pixels, ''), pixels);
    assert.equal(pictureSource('maps/a b#1.png', base), 'https://file.example/report/maps/a%20b%231.png');
    assert.equal(pictureSource('x.JPG', `${base}/`), 'https://file.example/report/x.JPG');
  });

  for (const source of [
    'https://example.org/x.png',
    '//example.org/x.png',
    'javascript:alert(1).png',
    '../x.png',
    'a/../../x.png',
    '..\\x.png',
    '/etc/x.png',
    'C:\\x.png',
    'data:image/svg+xml;base64,AAAA',
    'data:text/html,x.png',
    'notes.txt',
  ]) {
    it(`is not ${source}`, () => {
      assert.equal(pictureSource(source, base), undefined);
    });
  }

  it('is nothing beside a report that lies in no folder', () => {
    assert.equal(pictureSource('x.png', ''), undefined);
  });
});

describe('the size of a picture', () => {
  it('is a whole multiple that reaches the least size, or its own', () => {
    assert.deepEqual(drawnSize({ width: 28, height: 28 }, 140), { width: 140, height: 140 });
    assert.deepEqual(drawnSize({ width: 28, height: 14 }, 150), { width: 168, height: 84 });
    assert.deepEqual(drawnSize({ width: 640, height: 480 }, 160), { width: 640, height: 480 });
  });
});
