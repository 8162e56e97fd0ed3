import * as vscode from 'vscode';
import type { Analysis, QuestionId } from '../../analyses/analysis.js';
import { loadShownAnalyses, questionTitle } from '../shownAnalyses.js';
import { type Choice, chooseItem } from './chooseItem.js';
import type { Answer } from './walkSteps.js';

/** Asks for an analysis by the question it answers; only those that exist, and are not left out, are listed. */
export async function chooseAnalysis({
  title,
  canGoBack,
  isLeftOut = () => false,
}: {
  readonly title: string;
  readonly canGoBack: boolean;
  readonly isLeftOut?: (analysis: Analysis) => boolean;
}): Promise<Answer<Analysis>> {
  return chooseItem({
    title,
    placeholder: vscode.l10n.t('What do you want to know?'),
    canGoBack,
    items: itemsOf((await loadShownAnalyses()).filter((analysis) => !isLeftOut(analysis))),
  });
}

function itemsOf(analyses: readonly Analysis[]): Choice<Analysis>[] {
  const questions = new Map<QuestionId, Analysis[]>();
  for (const analysis of analyses) {
    questions.set(analysis.question, [...(questions.get(analysis.question) ?? []), analysis]);
  }
  return [...questions].flatMap(([question, answering]) => [
    { label: questionTitle(question), kind: vscode.QuickPickItemKind.Separator },
    ...answering.map((analysis) => ({
      label: analysis.title,
      detail: analysis.asks,
      value: analysis,
    })),
  ]);
}
