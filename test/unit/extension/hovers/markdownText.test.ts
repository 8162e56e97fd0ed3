import assert from 'node:assert/strict';
import fc from 'fast-check';
import { micromark } from 'micromark';
import { markdownPicture, markdownText } from '../../../../src/extension/hovers/markdownText.js';

/** What a reader of Markdown shows of it, in one paragraph. */
function shown(markdown: string): string {
  const html = micromark(`x${markdown}x`);
  const text = /^<p>x([\s\S]*)x<\/p>$/u.exec(html)?.[1] ?? `not a paragraph of text: ${html}`;
  return text
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&quot;', '"')
    .replaceAll('&amp;', '&');
}

describe('names in a hover', () => {
  it('are text, whatever they hold: no links, images, code, emphasis or markup', () => {
    const evil = [
      '[a](command:x)',
      '![a](https://x/y.png)',
      '<img src=x onerror=y>',
      '`code` **bold** _em_ ~~s~~',
      '$(zap) &amp; \\ # - | :smile:',
      'https://example.com www.example.com a@b.c',
    ];
    for (const name of evil) {
      assert.equal(shown(markdownText(name)), name);
      assert.doesNotMatch(micromark(markdownText(name)), /<(?!\/?p>)/u);
    }
    // Autolinks of GitHub's dialect need a bare colon or dot; icons of the editor a bare dollar.
    assert.doesNotMatch(markdownText('https://www.a.b $(zap)'), /[^\\](?:[:.$])/u);
  });

  it('read the same for any printable text', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: fc.integer({ min: 0x21, max: 0x7e }).map((code) => String.fromCodePoint(code)) }),
        (name) => {
          assert.equal(shown(markdownText(name)), name);
        },
      ),
    );
  });

  it('stay on their line', () => {
    assert.equal(markdownText('a\r\n\n# b'), 'a \\# b');
  });
});

describe('pictures in a hover', () => {
  const size = { width: 32, height: 32, maxLength: 100 };

  it('are data of the document itself, sized, with a plain name', () => {
    assert.equal(
      markdownPicture('data:image/png;base64,AAAA', 'row 7 ](x) "', size),
      '![row 7 x](data:image/png;base64,AAAA|width=32,height=32)',
    );
  });

  it('are left out when they come from elsewhere, hold anything else, or are too long', () => {
    for (const source of [
      'https://x/y.png',
      'file:///etc/passwd',
      'data:text/html;base64,AAAA',
      'data:image/svg+xml;base64,AAAA',
      'data:image/png;base64,AA) [x](command:y',
      `data:image/png;base64,${'A'.repeat(100)}`,
    ]) {
      assert.equal(markdownPicture(source, 'x', size), undefined, source);
    }
  });
});
