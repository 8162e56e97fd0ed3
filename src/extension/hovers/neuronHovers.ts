import * as vscode from 'vscode';
import { messageOf } from '../../base/errors.js';
import type { ResolvedAddress } from '../../onnx/addresses.js';
import type { App } from '../app.js';
import { chosenModel } from './chosenModels.js';
import type { ParsedDocuments } from './code/parsedDocuments.js';
import { hoverSubject, type HoverSubject, measuredLayerOf, type ReadModel } from './hoverSubject.js';
import { nearestFirst } from './pickModel.js';
import { readDocument } from './readDocument.js';
import type { Reference } from './reference.js';
import { type Known, renderAsk, renderFound } from './renderHover.js';

/** Models whose structure is read for hovers, the nearest to the document. */
const readModelCount = 30;

/**
 * How long a hover waits for structure and results the first time; later ones find them in memory. The editor shows what
 * others say meanwhile and adds ours, so that waiting costs nobody anything; what takes longer is there the next time.
 */
const readingMs = 3000;

/** How long a hover waits for pictures of samples that are not cached. */
const picturesMs = 150;

/** Samples shown in a hover. */
const shownSampleCount = 3;

type Services = Pick<App, 'models' | 'units' | 'runner' | 'context' | 'log'>;

/** Hovers on layers and neurons in code and text. */
export class NeuronHovers implements vscode.HoverProvider {
  private readonly app: Services;
  private readonly parsed: ParsedDocuments;

  constructor(app: Services, parsed: ParsedDocuments) {
    this.app = app;
    this.parsed = parsed;
  }

  async provideHover(
    document: vscode.TextDocument,
    position: vscode.Position,
    token: vscode.CancellationToken,
  ): Promise<vscode.Hover | undefined> {
    try {
      const subject = await this.subjectAt(document, position, token);
      if (subject === undefined || token.isCancellationRequested) return undefined;
      const { start, end } = subject.resolution;
      const range = new vscode.Range(document.positionAt(start), document.positionAt(end));
      if (subject.kind === 'ask') return new vscode.Hover(renderAsk(subject, document.uri), range);
      const known = await this.knownOf(subject);
      return new vscode.Hover(renderFound(subject, known, document.uri), range);
    } catch (error) {
      // The editor would say nothing at all, in its own log.
      this.app.log.error(`A hover in ${document.uri.fsPath} failed: ${messageOf(error)}`);
      return undefined;
    }
  }

  private async subjectAt(
    document: vscode.TextDocument,
    position: vscode.Position,
    token: vscode.CancellationToken,
  ): Promise<HoverSubject | undefined> {
    for (const offset of offsetsAt(document, position)) {
      const references = await this.referencesAt(document, offset);
      if (references.length === 0) continue;
      const path = document.uri.fsPath;
      const models = await this.modelsNear(path);
      if (token.isCancellationRequested) return undefined;
      const subject = hoverSubject(references, models, {
        path,
        folder: vscode.workspace.getWorkspaceFolder(document.uri)?.uri.fsPath,
        chosen: chosenModel(this.app.context.workspaceState, document.uri.toString()),
        links: this.app.models.inspectFiles,
      });
      if (subject !== undefined) return subject;
    }
    return undefined;
  }

  private referencesAt(document: vscode.TextDocument, offset: number): Promise<readonly Reference[]> {
    return readDocument(
      {
        key: document.uri.toString(),
        version: document.version,
        languageId: document.languageId,
        path: document.uri.path,
        text: () => document.getText(),
      },
      offset,
      this.parsed,
    );
  }

  /** Models that can be read, nearest first; those not read yet are waited for a moment, then read on without us. */
  private async modelsNear(documentPath: string): Promise<readonly ReadModel[]> {
    const { models } = this.app;
    await within(models.searched, readingMs);
    const tied = models.inspectFiles.flatMap(({ codePath, modelPath }) =>
      codePath === documentPath && modelPath !== undefined ? [modelPath] : [],
    );
    const paths = nearestFirst(
      models.models.map(({ uri }) => uri.fsPath),
      documentPath,
    );
    const near = [...new Set([...tied, ...paths])].slice(0, readModelCount);
    const unread = near
      .map((path) => vscode.Uri.file(path))
      .filter((uri) => {
        const known = models.find(uri);
        return known !== undefined && known.structure === undefined;
      });
    if (unread.length > 0) {
      const reading = Promise.allSettled(unread.map((uri) => models.structureOf(uri)));
      await within(reading, readingMs);
    }
    return near.flatMap((path) => {
      const structure = models.find(vscode.Uri.file(path))?.structure;
      return structure === undefined || structure instanceof Error ? [] : [{ path, structure }];
    });
  }

  private async knownOf({ model, resolution }: Extract<HoverSubject, { kind: 'found' }>): Promise<Known> {
    const { units, runner } = this.app;
    const [target] = resolution.targets;
    const layer = target === undefined ? undefined : measuredLayerOf(target, model.structure.addresses);
    const isLoaded = await within(units.load(model.path), readingMs);
    const facts = layer === undefined ? undefined : units.layer(model.path, layer);
    const isMeasuring = runner.active.some(({ request }) => request.modelPath === model.path);
    const topSamples = topSamplesOf(target, facts);
    const cards = facts === undefined ? [] : await this.cardsOf(facts.resultId, topSamples);
    return { facts, topSamples, cards, isMeasuring, isLoading: !isLoaded };
  }

  private async cardsOf(resultId: string, indices: readonly number[]): Promise<Known['cards']> {
    const { units } = this.app;
    const cards = units.samples(resultId, indices);
    if (cards.every((card) => card !== undefined)) return cards;
    let listener: vscode.Disposable | undefined;
    const changed = new Promise<void>((resolve) => {
      listener = units.onDidChange(() => {
        resolve();
      });
    });
    await within(changed, picturesMs);
    listener?.dispose();
    return units.samples(resultId, indices);
  }
}

/** The position, and the end of the word before it: the keyboard points behind what it names. */
function offsetsAt(document: vscode.TextDocument, position: vscode.Position): readonly number[] {
  const offset = document.offsetAt(position);
  const line = document.lineAt(position.line).text;
  const isInWord = /[\p{L}\p{N}_]/u.test(line.charAt(position.character));
  return isInWord || position.character === 0 ? [offset] : [offset, offset - 1];
}

function topSamplesOf(target: ResolvedAddress | undefined, facts: Known['facts']): readonly number[] {
  if (target?.unit === undefined) return [];
  const unit = facts?.unit(target.unit);
  // A unit that never fires has no sample it likes.
  return unit === undefined || unit.state === 'dead' ? [] : unit.topSamples.slice(0, shownSampleCount);
}

/** Waits for a promise, but no longer than a time; tells whether it settled well. */
async function within(promise: Promise<unknown>, timeoutMs: number): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<boolean>((resolve) => {
    timer = setTimeout(() => {
      resolve(false);
    }, timeoutMs);
  });
  try {
    return await Promise.race([
      promise.then(
        () => true,
        () => false,
      ),
      timeout,
    ]);
  } finally {
    clearTimeout(timer);
  }
}
