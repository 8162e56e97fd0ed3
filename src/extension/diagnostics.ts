import { arch, cpus, platform, release, totalmem } from 'node:os';
import * as vscode from 'vscode';
import type { App } from './app.js';
import { engineConfiguration } from './configuration.js';

/** Returns what a report of a problem needs, as Markdown; no data, and of models only their structure in numbers. */
export function diagnosticsText(app: App): string {
  const { state, pid } = app.engine;
  const { provider, threadCount, memoryMegabytes, nodePath } = engineConfiguration();
  const version = String((app.context.extension.packageJSON as { version?: unknown }).version);
  return [
    '# Neuron Inspector diagnostics',
    '',
    `- extension ${version}, editor ${vscode.version} (${vscode.env.appName}, ${vscode.env.appHost}, remote: ${vscode.env.remoteName ?? 'none'}, ${vscode.env.uiKind === vscode.UIKind.Web ? 'web' : 'desktop'})`,
    `- Node ${process.version}, ${platform()} ${release()} ${arch()}, ${String(cpus().length)} cores, ${(totalmem() / 2 ** 30).toFixed(1)} GiB`,
    `- workspace trusted: ${String(vscode.workspace.isTrusted)}, folders: ${String(vscode.workspace.workspaceFolders?.length ?? 0)}`,
    `- engine: ${state.kind}, process ${String(pid ?? 'none')}, provider in use: ${state.provider ?? 'none yet'}`,
    `- settings: provider ${provider}, threads ${String(threadCount ?? 'automatic')}, memory ${String(memoryMegabytes)} MB, engine's Node: ${nodePath === undefined ? 'the editor’s' : 'set'}`,
    `- models: ${String(app.models.models.length)}, results: ${String(app.results.results.length)}`,
    ...app.models.models.map(describeModel),
    '',
    'Newest log lines:',
    '',
    '```',
    ...app.log.recentLines.slice(-60).map(withoutHome),
    '```',
    '',
  ].join('\n');
}

function describeModel({ structure }: App['models']['models'][number], index: number): string {
  const name = `  - model ${String(index + 1)}`;
  if (structure === undefined) return `${name}: not read`;
  if (structure instanceof Error) return `${name}: ${withoutHome(structure.message)}`;
  const { nodeCount, layers, opsets, producer, sizeBytes } = structure.inspection;
  return `${name}: ${String(nodeCount)} nodes, ${String(layers.length)} layers, opsets ${JSON.stringify(opsets)}, ${producer}, ${String(sizeBytes)} bytes`;
}

/** A person's name is in the path of the home folder. */
function withoutHome(text: string): string {
  const home = process.env['HOME'] ?? process.env['USERPROFILE'] ?? '';
  return home.length > 1 ? text.replaceAll(home, '~') : text;
}
