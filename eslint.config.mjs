import jsdoc from 'eslint-plugin-jsdoc';
import lit from 'eslint-plugin-lit';
import wc from 'eslint-plugin-wc';
import tseslint from 'typescript-eslint';

const nodeOnly = (reason) => ({ name: 'vscode', message: reason });

export default tseslint.config(
  {
    ignores: [
      'dist/',
      'dist.*/',
      'coverage/',
      '.cache/',
      'node_modules/',
      'sample-models/',
      'test/fixtures/',
    ],
  },
  {
    files: ['**/*.ts'],
    extends: [...tseslint.configs.strictTypeChecked],
    plugins: { jsdoc },
    languageOptions: {
      parserOptions: {
        project: ['./tsconfig.json', './test/tsconfig.json', './webview/tsconfig.json'],
        tsconfigRootDir: import.meta.dirname,
      },
    },
    rules: {
      'no-console': 'error',
      'no-restricted-exports': ['error', { restrictDefaultExports: { direct: true, named: true } }],
      'max-lines': ['error', { max: 400, skipBlankLines: true, skipComments: true }],
      'max-lines-per-function': ['error', { max: 40, skipBlankLines: true, skipComments: true }],
      'max-params': ['error', 4],
      eqeqeq: 'error',
      curly: ['error', 'multi-line'],
      '@typescript-eslint/consistent-type-imports': ['error', { fixStyle: 'inline-type-imports' }],
      '@typescript-eslint/switch-exhaustiveness-check': [
        'error',
        { considerDefaultExhaustiveForUnions: true, requireDefaultForNonUnion: false },
      ],
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true }],
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_' }],
      'jsdoc/require-jsdoc': [
        'error',
        {
          publicOnly: true,
          require: { FunctionDeclaration: true, ClassDeclaration: true },
          contexts: [
            'ExportNamedDeclaration > TSInterfaceDeclaration',
            'ExportNamedDeclaration > VariableDeclaration',
          ],
        },
      ],
      'jsdoc/no-types': 'error',
      'jsdoc/require-description': ['error', { contexts: ['any'] }],
    },
  },
  {
    // Reading `T | undefined` by index is checked by the compiler; index arithmetic in numeric code may assert.
    files: ['src/engine/numeric/**', 'test/**', 'bench/**'],
    rules: { '@typescript-eslint/no-non-null-assertion': 'off' },
  },
  {
    files: ['webview/**/*.ts'],
    plugins: { lit, wc },
    rules: {
      ...lit.configs['flat/recommended'].rules,
      ...wc.configs['flat/recommended'].rules,
      'no-restricted-imports': [
        'error',
        {
          paths: [
            {
              name: 'lit/directives/style-map.js',
              message:
                'It writes a style attribute, which the policy of our pages forbids. Use applyStyle of webview/applyStyle.ts.',
            },
          ],
        },
      ],
    },
  },
  {
    files: ['test/**', 'bench/**', 'scripts/**'],
    rules: {
      'max-lines-per-function': 'off',
      'jsdoc/require-jsdoc': 'off',
      '@typescript-eslint/no-floating-promises': 'off',
      '@typescript-eslint/no-unused-expressions': 'off',
    },
  },
  {
    files: ['bench/**', 'scripts/**', 'src/cli/**', 'test/vscode/suite.ts'],
    rules: { 'no-console': 'off' },
  },
  {
    // Value types are one or two lines each in these tables of schemas.
    files: ['src/protocol/**', 'src/analyses/analysis.ts'],
    rules: { 'jsdoc/require-jsdoc': 'off' },
  },
  {
    files: ['src/**'],
    ignores: ['src/extension/**'],
    rules: {
      'no-restricted-imports': [
        'error',
        {
          paths: [
            nodeOnly('Only src/extension may import vscode, so that the engine runs without an editor.'),
          ],
        },
      ],
    },
  },
);
