import '@vscode-elements/elements/dist/vscode-button/index.js';
import { html, nothing, type TemplateResult } from 'lit';
import { formatNumber } from '../../../src/protocol/formatReport.js';
import type {
  KnownRole,
  LikeUnit,
  NeuronPlace,
  NeuronTell,
  RoleState,
} from '../../../src/protocol/views/neuronMessages.js';
import '../../components/ni-note.js';
import '../../components/ni-progress.js';
import { t } from '../../text.js';
import type { NeuronContent } from './neuronContent.js';
import { timeText } from './neuronWords.js';

type Act = (tell: NeuronTell) => void;

/** Units that are named. */
const shownCount = 10;

/** Returns what the model loses without the neuron, and which neurons go with it; or the offer to measure that. */
export function rolePart(
  { role }: NeuronContent,
  { address }: NeuronPlace,
  act: Act,
): TemplateResult | typeof nothing {
  if (role === undefined) return nothing;
  return html`<section class="role">
    <h2>${t('If removed')}</h2>
    ${role.kind === 'running' ? running(role, act) : idle(role, address, act)}
  </section>`;
}

function running({ fractionDone, message }: Extract<RoleState, { readonly kind: 'running' }>, act: Act) {
  return html`<ni-progress
    cancellable
    .fractionDone=${fractionDone}
    .message=${message}
    @ni-cancel=${() => {
      act({ kind: 'cancel-role' });
    }}
  ></ni-progress>`;
}

function idle(
  { known, failure, dataName }: Extract<RoleState, { readonly kind: 'idle' }>,
  address: string,
  act: Act,
): TemplateResult {
  return html`
    ${failure === null ? nothing : html`<ni-note severity="error">${failure}</ni-note>`}
    ${known === null ? nothing : knownPart(known, act)}
    ${
      dataName === null
        ? html`<p class="muted">
            ${known === null ? t('It takes data to measure what the model loses without it.') : ''}
          </p>`
        : html`<vscode-button
            secondary
            data-action="measure-role"
            title=${t('Scores the model untouched, with the neuron at 0 and at its mean, and compares its activations with its layer’s')}
            @click=${() => {
              act({ kind: 'measure-role', address });
            }}
            >${known === null ? t('Measure on {0}', dataName) : t('Measure again on {0}', dataName)}</vscode-button
          >`
    }
  `;
}

function knownPart(known: KnownRole, act: Act): TemplateResult {
  const { sentence, evidence, like, resultId, createdAt, isStale } = known;
  const facts = [evidence, timeText(createdAt), ...(isStale ? [t('the model changed since')] : [])];
  return html`<p class="role-sentence">${sentence}</p>
    <p class="evidence">
      ${facts.filter((fact) => fact !== '').join(' · ')} ·
      <button
        class="text"
        @click=${() => {
          act({ kind: 'open-result', resultId });
        }}
      >
        ${t('Open report')}
      </button>
    </p>
    ${like.length === 0 ? nothing : likeList(like, act)}`;
}

function likeList(like: readonly LikeUnit[], act: Act): TemplateResult {
  const ordered = like.toSorted((a, b) => Number(b.correlation) - Number(a.correlation));
  return html`<h3>${t('Similar by activations')}</h3>
    <ul class="alike">
      ${ordered.slice(0, shownCount).map(({ address, correlation }) => alike(address, formatNumber(Number(correlation)), act))}
    </ul>`;
}

/** Returns one neuron of a list of similar ones: a link and how alike it is. */
function alike(address: string, figure: string, act: Act): TemplateResult {
  return html`<li>
    <button
      class="text address"
      @click=${() => {
        act({ kind: 'open-address', address });
      }}
    >
      ${address}
    </button>
    <span class="muted">${figure}</span>
  </li>`;
}
