// Bundles the command line, the engine and reader processes, the extension and the scripts of exported reports into dist/.
import {
  chmodSync,
  copyFileSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { ensureInstalled, rootDir } from './setup.mjs';

/**
 * Builds everything into `dist`, or the folder named; rejects with esbuild's own message when a source does not compile.
 * For a package, the code is smaller and without source maps; names stay, so that stacks can be read. Returns the paths
 * of all files that went in, relative to the repository.
 */
export async function build({ dist = join(rootDir, 'dist'), isForPackage = false } = {}) {
  const esbuild = await import('esbuild');
  // Built beside and moved into place, so that whoever runs dist meanwhile never finds half of it.
  const outdir = join(rootDir, `dist.${process.pid}`);
  rmSync(outdir, { recursive: true, force: true });
  mkdirSync(outdir, { recursive: true });
  const common = {
    absWorkingDir: rootDir,
    bundle: true,
    platform: 'node',
    target: 'node20',
    sourcemap: !isForPackage,
    minifyWhitespace: isForPackage,
    minifySyntax: isForPackage,
    legalComments: 'none',
    logLevel: 'warning',
    metafile: true,
    // Native code stays in its packages.
    external: ['onnxruntime-node', 'sharp', 'vscode'],
  };
  const results = await Promise.all([
    esbuild.build({
      ...common,
      entryPoints: {
        cli: 'src/cli/main.ts',
        engine: 'src/runs/engineMain.ts',
        lane: 'src/engine/runtime/lanes/lane.mjs',
        reader: 'src/runs/readerMain.ts',
      },
      outdir,
      format: 'esm',
      splitting: true,
      chunkNames: 'chunks/[name]-[hash]',
      // Some dependencies are CommonJS and call require.
      banner: {
        js: "import { createRequire as niCreateRequire } from 'node:module'; const require = niCreateRequire(import.meta.url);",
      },
    }),
    esbuild.build({
      ...common,
      entryPoints: {
        extension: 'src/extension/extension.ts',
        analyses: 'src/analyses/registry.ts',
        documents: 'src/protocol/documents.ts',
        late: 'src/extension/latePart.ts',
      },
      plugins: [
        versionOnly,
        oneNamespace,
        lateBundle(/\/analyses\/registry\.js$/, './analyses.cjs'),
        lateBundle(/\/protocol\/documents\.js$/, './documents.cjs'),
        lateBundle(/\/latePart\.js$/, './late.cjs'),
      ],
      outdir,
      format: 'cjs',
      // Less to parse when the editor starts; names stay, for readable stacks.
      minifySyntax: true,
      minifyWhitespace: true,
      // The extension names the scripts of its processes itself, so nothing there asks where the bundle is.
      logOverride: { 'empty-import-meta': 'silent' },
      outExtension: { '.js': '.cjs' },
    }),
    esbuild.build({
      absWorkingDir: rootDir,
      bundle: true,
      minify: true,
      platform: 'browser',
      target: 'es2022',
      format: 'iife',
      metafile: true,
      logLevel: 'warning',
      entryPoints: { 'webview/exported': 'webview/exported/exportedPage.ts' },
      outdir,
    }),
    // Lays out graphs in a worker of the model's page, which fetches it as text: a script of its own.
    esbuild.build({
      absWorkingDir: rootDir,
      metafile: true,
      minify: true,
      logLevel: 'warning',
      entryPoints: { 'webview/elk-worker': 'node_modules/elkjs/lib/elk-worker.min.js' },
      outdir,
    }),
    ...views().map((name) =>
      esbuild.build({
        absWorkingDir: rootDir,
        bundle: true,
        minify: true,
        metafile: true,
        sourcemap: !isForPackage,
        platform: 'browser',
        target: 'es2022',
        format: 'esm',
        legalComments: 'none',
        logLevel: 'warning',
        loader: { '.ttf': 'file' },
        assetNames: '[name]',
        entryPoints: {
          [name]: `webview/views/${name}/${name}.ts`,
          [`${name}-style`]: `webview/views/${name}/${name}.css`,
        },
        outdir: join(outdir, 'webview'),
      }),
    ),
    esbuild.build({
      absWorkingDir: rootDir,
      bundle: true,
      metafile: true,
      logLevel: 'warning',
      loader: { '.ttf': 'file' },
      assetNames: '[name]',
      entryPoints: { codicon: 'node_modules/@vscode/codicons/dist/codicon.css' },
      outdir: join(outdir, 'webview'),
    }),
  ]);
  const copied = copyTreeSitter(join(outdir, 'tree-sitter'));
  chmodSync(join(outdir, 'cli.js'), 0o755);
  rmSync(dist, { recursive: true, force: true });
  mkdirSync(dirname(dist), { recursive: true });
  renameSync(outdir, dist);
  const bundled = results.flatMap(({ metafile }) => Object.keys(metafile.inputs));
  return { inputs: [...new Set([...bundled, ...copied])].sort() };
}

/** The code asks package.json for its version alone; the rest, which grows with every command, would be read at every start. */
const versionOnly = {
  name: 'version-only',
  setup(bundler) {
    bundler.onLoad({ filter: /[\\/]package\.json$/ }, ({ path }) => {
      if (path !== join(rootDir, 'package.json')) return undefined;
      const { version } = JSON.parse(readFileSync(path, 'utf8'));
      return { contents: JSON.stringify({ version }), loader: 'json' };
    });
  },
};

/**
 * `import * as vscode` would copy every name of the editor's interface, anew in each file that has it: half of what loading
 * the code took. All files share one copy instead.
 */
const oneNamespace = {
  name: 'one-namespace',
  setup(bundler) {
    const namespace = 'one-namespace';
    bundler.onResolve({ filter: /^vscode$/ }, ({ namespace: from }) =>
      from === namespace ? { path: 'vscode', external: true } : { path: 'vscode', namespace },
    );
    bundler.onLoad({ filter: /.*/, namespace }, () => ({ contents: "export * from 'vscode';" }));
  },
};

/** Grammars of the languages that hovers read. */
const grammars = ['python', 'typescript', 'tsx', 'javascript'];

/**
 * Puts the parser of hovers beside the bundles: it loads WebAssembly by path, and only on the first hover. Its script is
 * CommonJS, which `.cjs` says inside a package of modules. Returns the paths of what was copied.
 */
function copyTreeSitter(folder) {
  const source = 'node_modules/@vscode/tree-sitter-wasm/wasm';
  const names = ['tree-sitter.js', 'tree-sitter.wasm', ...grammars.map((name) => `tree-sitter-${name}.wasm`)];
  mkdirSync(folder, { recursive: true });
  for (const name of names) {
    copyFileSync(join(rootDir, source, name), join(folder, name.replace(/\.js$/, '.cjs')));
  }
  return names.map((name) => `${source}/${name}`);
}

/** Makes imports that match load a bundle beside instead of being part of this one: parsed when first imported. */
function lateBundle(filter, path) {
  return {
    name: `late ${path}`,
    setup: ({ onResolve }) => {
      onResolve({ filter }, ({ kind }) => (kind === 'entry-point' ? undefined : { path, external: true }));
    },
  };
}

/** Names of the views: folders of `webview/views`, each with a script and a style of its name. */
function views() {
  return readdirSync(join(rootDir, 'webview', 'views'), { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => entry.name);
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  ensureInstalled();
  // `--for-package DIR`: what is shipped goes to DIR/dist, and the list of what went into it to DIR/inputs.json.
  const [flag, dir] = process.argv.slice(2);
  if (flag === '--for-package') {
    const { inputs } = await build({ dist: join(dir, 'dist'), isForPackage: true });
    writeFileSync(join(dir, 'inputs.json'), JSON.stringify(inputs));
  } else await build();
}
