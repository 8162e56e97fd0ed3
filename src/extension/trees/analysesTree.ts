import * as vscode from 'vscode';
import { type Analysis, type QuestionId, questionTitles } from '../../analyses/analysis.js';
import type { App } from '../app.js';
import { analysisCommandId } from '../manifest/analysisCommandId.js';
import { idPrefix } from '../manifest/contribution.js';
import type { CurrentModel } from '../models/currentModel.js';
import { loadShownAnalyses, questionTitle } from '../shownAnalyses.js';

/** What the tree of analyses holds. */
export type AnalysisNode =
  | { readonly kind: 'question'; readonly question: QuestionId; readonly analyses: readonly Analysis[] }
  | { readonly kind: 'analysis'; readonly analysis: Analysis };

/** Analyses by the question they answer, with what they found of the current model. */
export class AnalysesTree implements vscode.TreeDataProvider<AnalysisNode> {
  private readonly app: Pick<App, 'results' | 'models'>;
  private readonly current: CurrentModel;
  private readonly changed = new vscode.EventEmitter<AnalysisNode | undefined>();

  readonly onDidChangeTreeData = this.changed.event;

  constructor(
    app: Pick<App, 'results' | 'models'>,
    current: CurrentModel,
    subscriptions: { dispose(): unknown }[],
  ) {
    this.app = app;
    this.current = current;
    const refresh = (): void => {
      this.changed.fire(undefined);
    };
    subscriptions.push(current.onDidChange(refresh), app.results.onDidChange(refresh));
  }

  async getChildren(node?: AnalysisNode): Promise<AnalysisNode[]> {
    if (node?.kind === 'question') {
      return node.analyses.map((analysis) => ({ kind: 'analysis', analysis }));
    }
    if (node !== undefined) return [];
    await this.app.models.searched;
    if (this.current.uri === undefined) return [];
    const analyses = await loadShownAnalyses();
    const questions = Object.keys(questionTitles) as QuestionId[];
    return questions
      .map((question) => ({
        kind: 'question' as const,
        question,
        analyses: analyses.filter((analysis) => analysis.question === question),
      }))
      .filter((entry) => entry.analyses.length > 0);
  }

  getTreeItem(node: AnalysisNode): vscode.TreeItem {
    return node.kind === 'question' ? this.questionItem(node) : this.analysisItem(node.analysis);
  }

  private questionItem(node: Extract<AnalysisNode, { kind: 'question' }>): vscode.TreeItem {
    const item = new vscode.TreeItem(questionTitle(node.question), vscode.TreeItemCollapsibleState.Expanded);
    item.id = node.question;
    item.iconPath = new vscode.ThemeIcon('question');
    const findings = node.analyses
      .map(({ id }) => this.latest(id)?.findingCount ?? 0)
      .reduce((total, count) => total + count, 0);
    if (findings > 0) item.description = findingsText(findings);
    return item;
  }

  private analysisItem(analysis: Analysis): vscode.TreeItem {
    const item = new vscode.TreeItem(analysis.title);
    item.id = analysis.id;
    item.contextValue = 'analysis';
    item.iconPath = new vscode.ThemeIcon('beaker');
    const result = this.latest(analysis.id);
    if (result !== undefined) item.description = result.summary;
    item.tooltip = result === undefined ? analysis.asks : `${analysis.asks}\n\n${result.summary}`;
    item.accessibilityInformation = {
      label:
        result === undefined ? `${analysis.title}, ${analysis.asks}` : `${analysis.title}, ${result.summary}`,
    };
    item.command = {
      command: idPrefix + analysisCommandId(analysis.id),
      title: analysis.title,
      arguments: [this.current.uri],
    };
    return item;
  }

  private latest(analysisId: string) {
    const { uri } = this.current;
    return uri === undefined ? undefined : this.app.results.latest(uri.fsPath, analysisId);
  }
}

/** Returns a count of findings in words. */
export function findingsText(count: number): string {
  return count === 1
    ? vscode.l10n.t('1 finding')
    : vscode.l10n.t('{0} findings', count.toLocaleString('en-US'));
}
