import assert from 'node:assert/strict';
import { extractTexts } from '../../../scripts/l10n/extractTexts.js';

describe('texts in a source', () => {
  it('are those passed to the editor’s function, by whichever name', () => {
    const source = `
      import * as vscode from 'vscode';
      import { l10n } from 'vscode';
      vscode.l10n.t('Open {0}', name);
      l10n.t("It's “there”");
      other.t('not a text');
      t('not a text either');`;
    assert.deepEqual(messagesIn(source), ['Open {0}', "It's “there”"]);
  });

  it('are those passed to the pages’ function, by whichever name, also inside templates', () => {
    const source = `
      import { t as say } from '../../text.js';
      render(html\`<p title=\${say('Title')}>\${say('{0} of {1}', 1, 2)}</p>\`);`;
    assert.deepEqual(messagesIn(source), ['Title', '{0} of {1}']);
  });

  it('are not those of a function named t from elsewhere', () => {
    assert.deepEqual(messagesIn(`import { t } from './context.js'; t('no text');`), []);
  });

  it('are put together from strings joined in the call, and read as the program reads them', () => {
    const source = String.raw`vscode.l10n.t('One, ' + ("two, " + ${'`three`'}) + ' \u2026 \'x\'\n');`;
    assert.deepEqual(messagesIn(source), ["One, two, three … 'x'\n"]);
  });

  it('carry the comments for translators', () => {
    const source = `vscode.l10n.t({ message: 'Run', args: [1], comment: ['A verb.', 'On a button.'] });`;
    assert.deepEqual(extractTexts('a.ts', source).texts, [
      { message: 'Run', comment: ['A verb.', 'On a button.'] },
    ]);
  });

  for (const [what, call, reason] of [
    ['a value put in by the program', 't(`Open ${name}`)', /must stand in the call/],
    ['a text from a variable', 't(title)', /must stand in the call/],
    ['a text chosen in the call', "t(isOne ? 'one' : 'many')", /must stand in the call/],
    ['no text', 't()', /missing/],
    ['a value without a place', "t('Open {0}', a, b)", /“Open \{0\}” has 1 places and 2 values/],
    ['a place without a value', "t('{0} of {1}', a)", /2 places and 1 values/],
  ] as const) {
    it(`say on which line stands ${what}`, () => {
      const { texts, problems } = extractTexts('a.ts', `// line 1\nvscode.l10n.${call};\n`);
      assert.deepEqual(texts, []);
      assert.deepEqual(
        problems.map(({ line }) => line),
        [2],
      );
      assert.match(problems.map((problem) => problem.reason).join(), reason);
    });
  }

  it('may have their values in a list whose length shows only at run time', () => {
    assert.deepEqual(messagesIn(`vscode.l10n.t('{0} and {1}', ...names)`), ['{0} and {1}']);
  });
});

function messagesIn(source: string): string[] {
  const { texts, problems } = extractTexts('a.ts', source);
  assert.deepEqual(problems, []);
  return texts.map(({ message }) => message);
}
