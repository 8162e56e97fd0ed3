// Bundles the command line, the engine and reader processes, the extension and the scripts of exported reports into dist/.
import { chmodSync, mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { ensureInstalled, rootDir } from './setup.mjs';

/** Builds everything; rejects with esbuild's own message when a source does not compile. */
export async function build() {
  const esbuild = await import('esbuild');
  // Built beside and moved into place, so that whoever runs dist meanwhile never finds half of it.
  const dist = join(rootDir, 'dist');
  const outdir = join(rootDir, `dist.${process.pid}`);
  mkdirSync(outdir, { recursive: true });
  const common = {
    absWorkingDir: rootDir,
    bundle: true,
    platform: 'node',
    target: 'node20',
    sourcemap: true,
    legalComments: 'none',
    logLevel: 'warning',
    // Native code stays in its packages.
    external: ['onnxruntime-node', 'sharp', 'vscode'],
  };
  await Promise.all([
    esbuild.build({
      ...common,
      entryPoints: {
        cli: 'src/cli/main.ts',
        engine: 'src/runs/engineMain.ts',
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
      entryPoints: { extension: 'src/extension/extension.ts' },
      outdir,
      format: 'cjs',
      outExtension: { '.js': '.cjs' },
    }),
    esbuild.build({
      absWorkingDir: rootDir,
      bundle: true,
      minify: true,
      platform: 'browser',
      target: 'es2022',
      format: 'iife',
      logLevel: 'warning',
      entryPoints: { 'webview/exported': 'webview/exported/exportedPage.ts' },
      outdir,
    }),
    ...views().map((name) =>
      esbuild.build({
        absWorkingDir: rootDir,
        bundle: true,
        minify: true,
        sourcemap: true,
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
      logLevel: 'warning',
      loader: { '.ttf': 'file' },
      assetNames: '[name]',
      entryPoints: { codicon: 'node_modules/@vscode/codicons/dist/codicon.css' },
      outdir: join(outdir, 'webview'),
    }),
  ]);
  chmodSync(join(outdir, 'cli.js'), 0o755);
  rmSync(dist, { recursive: true, force: true });
  renameSync(outdir, dist);
}

/** Names of the views: folders of `webview/views`, each with a script and a style of its name. */
function views() {
  return readdirSync(join(rootDir, 'webview', 'views'), { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => entry.name);
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  ensureInstalled();
  await build();
}
