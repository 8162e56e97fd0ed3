import { html, LitElement, nothing, type TemplateResult } from 'lit';
import { customElement, property, query, state } from 'lit/decorators.js';
import { repeat } from 'lit/directives/repeat.js';
import type { Block } from '../../../src/protocol/blocks.js';
import { isKnownBlock } from '../../../src/protocol/knownBlocks.js';
import { followUpSettings } from '../../../src/protocol/partNames.js';
import type { Parts } from '../../../src/protocol/parts.js';
import type { Report, UnknownBlock } from '../../../src/protocol/report.js';
import { placedBlocks } from '../../../src/protocol/reportLayout.js';
import type {
  FollowUpTell,
  ReportAction,
  ReportPageContent,
} from '../../../src/protocol/views/reportMessages.js';
import type { BlockContext } from '../../blocks/blockElement.js';
import '../../components/ni-empty.js';
import '../../components/ni-progress.js';
import '../../components/parts/ni-part-panel.js';
import type { AskedPart, NiPartPanel } from '../../components/parts/ni-part-panel.js';
import type { PickedPart } from '../../components/parts/pickedPart.js';
import type { PageState } from '../../pageState.js';
import { partLink } from '../../partLink.js';
import { t } from '../../text.js';
import { blockSection } from './blockSection.js';
import { howComputed } from './howComputed.js';
import { reportHeader } from './reportHeader.js';
import { actionButton, reportToolbar } from './reportToolbar.js';

declare global {
  interface HTMLElementTagNameMap {
    'ni-report-page': NiReportPage;
  }
  interface HTMLElementEventMap {
    'ni-act': CustomEvent<ReportAction>;
    'ni-follow-up': CustomEvent<FollowUpTell>;
  }
}

/**
 * A report as a page: the question, the answer in a sentence, the numbers, what to try, and folded at the end how it was
 * computed. While a run goes on, partial results take each other's place without moving what is read.
 *
 * @tag ni-report-page
 *
 * @prop content - What the host shows.
 * @prop state - State of the parts, kept over reloads.
 *
 * @fires ni-act - The person wants something done with the report.
 * @fires ni-follow-up - A question about a piece of a block was asked.
 * @fires ni-cancel - The person wants the run to stop.
 * @fires ni-link - A link was followed.
 */
@customElement('ni-report-page')
export class NiReportPage extends LitElement {
  @property({ attribute: false }) content: ReportPageContent | undefined;
  @property({ attribute: false }) state: PageState | undefined;

  @state() private picked: PartOnPage | undefined;
  @query('ni-part-panel') private readonly panel!: NiPartPanel | null;

  /** In the page itself, so that the page's style sheet reaches it and it scrolls as a document. */
  protected override createRenderRoot(): HTMLElement {
    return this;
  }

  protected override render(): TemplateResult {
    const { content } = this;
    if (content === undefined) return html``;
    return html`
      ${this.renderBar(content)}
      <main aria-busy=${content.run !== undefined}>
        ${
          content.problem === undefined
            ? reportHeader(content, this.act)
            : this.renderProblem(content.problem)
        }
        ${content.report === undefined ? this.renderWaiting(content) : this.renderReport(content.report)}
      </main>
      ${this.renderPanel(content)}
    `;
  }

  private renderPanel({ report, actions }: ReportPageContent): TemplateResult {
    const { parts, part } = this.picked ?? {};
    const noun = parts?.noun ?? '';
    const saved = this.state?.read('choices');
    const followUps = report?.followUps?.filter(({ id }) => parts?.followUps.includes(id)) ?? [];
    // Two compared reports are not run again together, and yet each can be asked.
    const canRun = actions.includes('run-again') || followUps.some(({ side }) => side !== undefined);
    return html`<ni-part-panel
      .heading=${noun.slice(0, 1).toUpperCase() + noun.slice(1)}
      .text=${part?.text ?? ''}
      .caption=${part?.caption ?? ''}
      .followUps=${followUps}
      ?can-run=${canRun}
      .choices=${typeof saved === 'object' && saved !== null ? saved : {}}
      @ni-part-choice=${({ detail }: HTMLElementEventMap['ni-part-choice']) =>
        this.state?.set('choices', detail)}
      @ni-part-asked=${({ detail }: HTMLElementEventMap['ni-part-asked']) => {
        this.askAbout(detail);
      }}
    ></ni-part-panel>`;
  }

  private askAbout({ followUp, chosen, way }: AskedPart): void {
    if (this.picked === undefined) return;
    const { parts, part } = this.picked;
    const settings = followUpSettings(
      followUp,
      { item: parts.items[part.item] ?? {}, name: part.name },
      chosen,
    );
    const { side } = followUp;
    const detail: FollowUpTell = {
      kind: 'follow-up',
      settings,
      way,
      ...(side === undefined ? {} : { side }),
    };
    this.dispatchEvent(new CustomEvent('ni-follow-up', { detail }));
  }

  /** Stays in view: what can be done, and how far the run is. */
  private renderBar({ run, actions }: ReportPageContent): TemplateResult | typeof nothing {
    if (run === undefined && actions.length === 0) return nothing;
    return html`<div class="page-bar">
      ${
        run === undefined
          ? reportToolbar(actions, this.act)
          : html`<ni-progress
              .fractionDone=${run.fractionDone}
              .message=${run.message}
              .startedMs=${run.startedMs}
              .cancelling=${run.isCancelling}
              cancellable
            ></ni-progress>`
      }
    </div>`;
  }

  private renderProblem(problem: NonNullable<ReportPageContent['problem']>): TemplateResult {
    return html`<ni-empty alert icon="error" .heading=${problem.heading}
      >${problem.message}${
        problem.action === undefined ? nothing : actionButton(problem.action, this.act)
      }</ni-empty
    >`;
  }

  private renderWaiting({ run }: ReportPageContent): TemplateResult | typeof nothing {
    if (run === undefined) return nothing;
    return html`<p class="muted">${t('Results appear here as soon as there are some.')}</p>`;
  }

  private renderReport(report: Report): TemplateResult | typeof nothing {
    const blocks = placedBlocks(report);
    if (blocks.length === 0 && this.content?.run !== undefined) return this.renderWaiting(this.content);
    if (blocks.length === 0 && report.status === 'complete') return this.renderEmpty();
    return html`
      ${this.renderParts(report)}
      ${repeat(
        blocks,
        (block, index) => `${String(index)} ${block.type}`,
        (block, index) => {
          const key = `${String(index)} ${block.type}`;
          return blockSection(block, { ...this.contextOf(key, report), ...this.pickingOf(key, block) });
        },
      )}
      ${howComputed(report, this.contextOf('how', report))}
      <footer>Neuron Inspector ${report.tool.version} · ${dateText(report.createdAt)}</footer>
    `;
  }

  /** The single reports of the model that this one puts together; those of other models, maybe many, are led to by a table. */
  private renderParts({ parts = [] }: Report): TemplateResult | typeof nothing {
    const kept = parts.filter(({ file, of }) => file !== undefined && of === undefined);
    if (kept.length === 0) return nothing;
    return html`<nav class="parts" aria-label=${t('Single reports')}>
      <span class="muted">${t('Single reports')}</span>
      <ul>
        ${kept.map((part) => html`<li>${partLink(this, part)}</li>`)}
      </ul>
    </nav>`;
  }

  private renderEmpty(): TemplateResult {
    const canRun = this.content?.actions.includes('change') === true;
    return html`<ni-empty .heading=${t('There is nothing in this report')}
      >${t('The analysis found nothing to measure in this model.')}
      ${canRun ? actionButton('change', this.act) : nothing}</ni-empty
    >`;
  }

  private contextOf(part: string, report: Report): BlockContext {
    const { state } = this;
    return {
      report,
      base: this.content?.base ?? '',
      state: {
        read: (key) => state?.read(`${part}/${key}`),
        set: (key, value) => state?.set(`${part}/${key}`, value),
      },
    };
  }

  /** What a block whose pieces can be picked needs besides. */
  private pickingOf(key: string, block: Block | UnknownBlock): Pick<BlockContext, 'pick' | 'picked'> {
    const parts = isKnownBlock(block) ? block.parts : undefined;
    if (parts === undefined) return {};
    return {
      picked: this.picked?.key === key ? this.picked.part : undefined,
      pick: (part, anchor) => {
        this.picked = { key, parts, part };
        void this.updateComplete.then(() => this.panel?.show(anchor));
      },
    };
  }

  private readonly act = (action: ReportAction): void => {
    this.dispatchEvent(new CustomEvent('ni-act', { detail: action }));
  };
}

/** A piece that was picked, of a block. */
interface PartOnPage {
  readonly key: string;
  readonly parts: Parts;
  readonly part: PickedPart;
}

function dateText(createdAt: string): string {
  const date = new Date(createdAt);
  return Number.isNaN(date.getTime()) ? createdAt : date.toLocaleString(document.documentElement.lang);
}
