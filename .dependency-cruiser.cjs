// Imports point one way: base ← protocol ← onnx ← engine ← activations ← data ← analyses ← runs ← cli | extension.
const order = ['base', 'protocol', 'onnx', 'engine', 'activations', 'data', 'analyses', 'runs'];
const tops = ['cli', 'extension'];

const direction = [...order, ...tops].map((folder) => {
  const index = order.indexOf(folder);
  const above = index < 0 ? tops.filter((top) => top !== folder) : [...order.slice(index + 1), ...tops];
  return {
    name: `${folder}-imports-nothing-above-it`,
    comment: `src/${folder} may be used by what stands above it and knows nothing of that, so that it can be read, tested and reused alone.`,
    severity: 'error',
    from: { path: `^src/${folder}/` },
    to: { path: `^src/(${above.join('|')})/` },
  };
});

module.exports = {
  forbidden: [
    ...direction,
    {
      name: 'no-cycles',
      comment: 'Two modules that import each other can only be understood together.',
      severity: 'error',
      from: {},
      to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } },
    },
    {
      name: 'onnx-buf-behind-one-file',
      comment:
        'The protobuf library has few users: one file of ours stands between, so that it can be replaced.',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/onnx/protobuf\\.ts$' },
      to: { path: 'node_modules/(onnx-buf|@bufbuild)/' },
    },
    {
      name: 'runtime-behind-engine-runtime',
      comment: 'Native code is loaded in one place, in the engine process.',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/engine/runtime/' },
      to: { path: 'node_modules/onnxruntime-node/' },
    },
    {
      name: 'vscode-in-extension-only',
      comment: 'The engine and the command line run without an editor.',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/extension/' },
      to: { path: '^vscode$|node_modules/@types/vscode' },
    },
    {
      name: 'no-native-code-in-the-extension-host',
      comment: 'A crash or a long run must never take the editor with it.',
      severity: 'error',
      from: { path: '^src/extension/' },
      to: { path: 'node_modules/(onnxruntime-node|sharp)/', reachable: true },
    },
    {
      name: 'no-native-code-in-the-reader-process',
      comment:
        'It reads files that nobody trusts yet: nothing of it may run a model or crash in native code.',
      severity: 'error',
      from: { path: '^src/runs/readerMain\\.ts$' },
      to: { path: 'node_modules/(onnxruntime-node|sharp)/', reachable: true },
    },
    {
      name: 'analyses-do-not-import-siblings',
      comment: 'A question is one folder; what several need is in analyses/shared.',
      severity: 'error',
      from: { path: '^src/analyses/([^/]+)/' },
      to: { path: '^src/analyses/([^/]+)/', pathNot: ['^src/analyses/$1/', '^src/analyses/shared/'] },
    },
    {
      name: 'webview-imports-base-and-protocol-only',
      comment: 'Views get documents, not engines.',
      severity: 'error',
      from: { path: '^webview/' },
      to: { path: '^src/', pathNot: '^src/(base|protocol)/' },
    },
    {
      name: 'no-dev-dependency-in-src',
      comment: 'What ships must be a dependency.',
      severity: 'error',
      from: { path: '^src/' },
      to: { dependencyTypes: ['npm-dev'], pathNot: 'node_modules/@types/' },
    },
    {
      name: 'no-orphans-unresolved',
      comment: 'An import that does not resolve breaks at run time.',
      severity: 'error',
      from: {},
      to: { couldNotResolve: true, pathNot: '^vscode$' },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsConfig: { fileName: 'tsconfig.json' },
    tsPreCompilationDeps: true,
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'require', 'node', 'default', 'types'],
    },
  },
};
