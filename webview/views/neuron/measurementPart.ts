import '@vscode-elements/elements/dist/vscode-button/index.js';
import { html, nothing, type TemplateResult } from 'lit';
import { formatNumber } from '../../../src/protocol/formatReport.js';
import type {
  FailureRemedy,
  MeasurementEstimate,
  MeasurementState,
  NeuronTell,
} from '../../../src/protocol/views/neuronMessages.js';
import '../../components/ni-empty.js';
import '../../components/ni-progress.js';
import { t } from '../../text.js';
import { estimateText, roughly } from './neuronWords.js';

/** What the part about measuring is made from. */
export interface MeasurementPart {
  readonly address: string;
  readonly state: MeasurementState;
  /** A profile is shown already: an earlier one, or what is known so far. */
  readonly hasProfile: boolean;
  /** A report says something of the neuron. */
  readonly hasFacts: boolean;
  readonly startedMs: number;
  readonly act: (tell: NeuronTell) => void;
}

/** Returns how it stands with measuring the neuron, and the next step; nothing where it is measured. */
export function measurementPart(part: MeasurementPart): TemplateResult | typeof nothing {
  const { state } = part;
  switch (state.kind) {
    case 'looking':
    case 'done':
      return nothing;
    case 'offered':
      return offer(part, state);
    case 'waiting':
      return waiting(part, state.activity);
    case 'measuring':
      return measuring(part, state);
    case 'cancelled':
      return cancelled(part, state.estimate);
    case 'failed':
      return failed(part, state);
    case 'no-data':
      return noData(part);
    case 'restricted':
      return restricted(part);
    case 'in-body':
      return empty({
        heading: t('This neuron cannot be measured'),
        text: t('It stands inside an If, Loop or Scan body or a function, where values cannot be read out.'),
      });
  }
}

function cancelled(part: MeasurementPart, estimate: MeasurementEstimate | null): TemplateResult {
  return empty({
    heading: part.hasProfile ? t('Cancelled: what was measured until then is shown') : t('Cancelled'),
    text: part.hasProfile ? t('It is not kept, and examples are missing.') : t('Nothing was measured.'),
    action: computeButton(part, estimate),
  });
}

function failed(
  part: MeasurementPart,
  { message, remedies }: Extract<MeasurementState, { readonly kind: 'failed' }>,
): TemplateResult {
  return html`<ni-empty alert icon="error" .heading=${t('The neuron could not be measured')}
    >${message}
    <div slot="action" class="buttons">
      ${remedies.map((remedy, index) => remedyButton(part, remedy, index > 0))}
    </div>
  </ni-empty>`;
}

function noData({ act }: MeasurementPart): TemplateResult {
  return empty({
    heading: t('No data were chosen for this model'),
    text: t('What a neuron does is measured on samples: a folder of images, a CSV file, an .inspect.json.'),
    action: button(t('Choose data…'), () => {
      act({ kind: 'choose-data' });
    }),
  });
}

function restricted({ act }: MeasurementPart): TemplateResult {
  return empty({
    heading: t('This workspace is in Restricted Mode'),
    text: t(
      'The structure and weights of models can be read, but nothing is run. Trust the workspace to measure neurons.',
    ),
    action: button(t('Manage workspace trust'), () => {
      act({ kind: 'manage-trust' });
    }),
  });
}

function offer(
  part: MeasurementPart,
  state: Extract<MeasurementState, { readonly kind: 'offered' }>,
): TemplateResult {
  const { estimate, quick, dataName, other } = state;
  const heading = part.hasProfile
    ? t('Measure again on {0}', dataName)
    : part.hasFacts
      ? t('Examples with maps and the distribution are not computed yet')
      : t('Not measured on {0} yet', dataName);
  const quickButton =
    quick === null
      ? nothing
      : button(
          t('Compute on {0} samples ({1})', formatNumber(quick.limit, 'count'), roughly(quick.durationMs)),
          () => {
            part.act({ kind: 'measure', address: part.address, limit: quick.limit });
          },
          { isSecondary: true },
        );
  const texts = [
    t(
      'Runs the model on the samples and keeps the distribution of this neuron’s outputs and the samples that excite it most.',
    ),
    ...(estimate === null ? [] : [estimateText(estimate)]),
    ...(other === null ? [] : [t('{0} is being measured; this one would be next.', other)]),
  ];
  return empty({
    heading,
    text: texts.join(' '),
    action: html`${computeButton(part, estimate)} ${quickButton}`,
  });
}

function waiting(part: MeasurementPart, activity: string): TemplateResult {
  const text =
    activity === ''
      ? t('The engine is busy; this neuron is next.')
      : t('The engine is busy with {0}; this neuron is next.', activity);
  return empty({ heading: t('Waiting'), text, action: cancelButton(part) });
}

function measuring(
  part: MeasurementPart,
  state: Extract<MeasurementState, { readonly kind: 'measuring' }>,
): TemplateResult {
  const { estimate } = state;
  const message = state.message === '' ? t('Starting…') : state.message;
  return html`<ni-progress
      .fractionDone=${state.fractionDone}
      .message=${message}
      .startedMs=${part.startedMs}
      cancellable
      @ni-cancel=${() => {
        part.act({ kind: 'cancel', address: part.address });
      }}
    ></ni-progress>
    ${estimate === null || state.fractionDone > 0 ? nothing : html`<p class="muted">${roughly(estimate.durationMs)}. ${estimateText(estimate)}</p>`}`;
}

function computeButton(part: MeasurementPart, estimate: MeasurementEstimate | null): TemplateResult {
  const label = estimate === null ? t('Compute') : t('Compute ({0})', roughly(estimate.durationMs));
  return button(label, () => {
    part.act({ kind: 'measure', address: part.address });
  });
}

function cancelButton(part: MeasurementPart): TemplateResult {
  return button(
    t('Cancel'),
    () => {
      part.act({ kind: 'cancel', address: part.address });
    },
    { isSecondary: true },
  );
}

function remedyButton(part: MeasurementPart, remedy: FailureRemedy, isSecondary: boolean): TemplateResult {
  const { act, address } = part;
  switch (remedy) {
    case 'try-again':
      return button(
        t('Try again'),
        () => {
          act({ kind: 'measure', address });
        },
        { isSecondary },
      );
    case 'choose-data':
      return button(
        t('Choose data…'),
        () => {
          act({ kind: 'choose-data' });
        },
        { isSecondary },
      );
    case 'show-log':
      return button(
        t('Show output'),
        () => {
          act({ kind: 'show-log' });
        },
        { isSecondary },
      );
  }
}

function button(label: string, click: () => void, { isSecondary = false } = {}): TemplateResult {
  return html`<vscode-button ?secondary=${isSecondary} @click=${click}>${label}</vscode-button>`;
}

interface EmptyParts {
  readonly heading: string;
  readonly text: string;
  readonly action?: TemplateResult;
}

function empty({ heading, text, action }: EmptyParts): TemplateResult {
  return html`<ni-empty .heading=${heading}
    >${text}${action === undefined ? nothing : html`<div slot="action" class="buttons">${action}</div>`}</ni-empty
  >`;
}
