import { activationCatalogue } from '../../activations/catalogue.js';
import { type ActivationProperties, propertiesOf } from '../../activations/properties.js';
import { findActivations, type FoundActivation } from '../../activations/recognise/findActivations.js';
import { throwIfAborted, yieldToEventLoop } from '../../base/abort.js';
import { UserError } from '../../base/errors.js';
import { formatAddress } from '../../onnx/addresses.js';
import { layersOf } from '../../onnx/layers/layerTable.js';
import type { Model } from '../../onnx/model.js';
import { inferTypes } from '../../onnx/shapes/inferTypes.js';
import type { Block } from '../../protocol/blocks.js';
import { counted } from '../../protocol/formatReport.js';
import type { Evidence } from '../../protocol/report.js';
import type { SettingsSchema } from '../../protocol/settings.js';
import {
  type AnalysisContext,
  defineAnalysis,
  type ReportDraft,
  type ResultArray,
  type SettingsOf,
} from '../analysis.js';
import { findNormalisations, measureNormalised, type NormalisedLayer } from '../shared/normalisedLayers.js';
import { normalisedBlocks } from '../shared/normalisedReport.js';
import { useFindings } from './catalog/useFindings.js';
import { catalogueTable, curveCharts, entryPage, propertyTable } from './catalog/entryReport.js';
import { activationName, functionsInUse } from './catalog/functionsInUse.js';
import { type ActivationUses, measureUse } from './catalog/measureUse.js';
import { activationTable, unknownBlocks, useCharts } from './catalog/useReport.js';

const settings = {
  entry: {
    kind: 'choice',
    title: 'Entry',
    description:
      'An activation of the catalogue to show in full: curve, derivative, LaTeX, properties and source; none leaves that out.',
    default: 'none',
    choices: ['none', ...activationCatalogue.keys()],
  },
  samples: {
    kind: 'integer',
    title: 'Samples',
    description: 'With data, the inputs of activations are those of the first samples, at most this many.',
    default: 256,
    minimum: 1,
    maximum: 1_000_000,
  },
} as const satisfies SettingsSchema;

type Settings = SettingsOf<typeof settings>;

const metrics = {
  activationCount: {
    title: 'Activations',
    description: 'Activations and gates of the model, written-out ones too.',
  },
  functionCount: {
    title: 'Functions',
    description: 'Different functions among them, by entry and parameters.',
  },
  unknownCount: {
    title: 'Not in the catalogue',
    description: 'Activations that are no entry of the catalogue.',
  },
  normalisedCount: {
    title: 'Normalised layers',
    description: 'Recognised normalisations; one with its activation counts as one layer.',
  },
  highestSaturation: {
    title: 'Highest saturation',
    description: 'Largest share of an activation’s inputs at which its slope is at most 0.01 in size.',
  },
  entryCount: { title: 'Entries', description: 'Activation functions that the catalogue has.' },
} as const;

/** Functions whose properties are derived: each takes milliseconds. */
const examinedCount = 24;

/**
 * Activation catalogue: which activation functions a model has, what each is like, and which part of it the data use.
 *
 * An entry is one expression f(x; θ) with defaults for θ; its value, derivative, LaTeX and ONNX sub-graph all come from it. An
 * activation of the model, one operator or several, is read as an expression of the value that enters it and compared with every
 * entry on a grid over [−8, 8] (and a few places to ±60): the entry whose values agree to 1e-5 · (1 + |f|), θ fitted by
 * Levenberg–Marquardt, names it. Properties are derived numerically: bounds and the Lipschitz constant sup |f′| on a grid to 10⁸,
 * moments of f(z), z ~ N(0, 1), by adaptive quadrature. With data: mean and variance before and after, and the share of inputs x
 * with |f′(x)| ≤ 0.01, counted in the graph by the derivative of the activation's own expression. Recognised normalisations,
 * EvoNorm too, are one layer each with their activation. Caveat: |f′| is small in dead zones that are meant, as those of ReLU.
 *
 * Source: Liu, Brock, Simonyan & Le (2020), "Evolving Normalization-Activation Layers", https://arxiv.org/abs/2004.02967.
 * Differs: the paper searches for such layers; here they are recognised and measured.
 */
export const activationCatalog = defineAnalysis({
  id: 'activation-catalog',
  question: 'activations',
  title: 'Activation catalogue',
  asks: 'Which activation functions does the model have, and which part of each does it use?',
  needs: { data: 'optional', labels: 'optional', gradients: false },
  settings,
  metrics,
  papers: [
    {
      id: 'liu2020evonorm',
      title: 'Evolving Normalization-Activation Layers',
      url: 'https://arxiv.org/abs/2004.02967',
      line: 83,
    },
  ],
  rows: [
    {
      line: 83,
      limits:
        'Each recognised layer is named, and with data has its statistics before and after; the search for layers is not done. Layers inside bodies are named and not measured.',
    },
  ],
  lacks(model) {
    const { activations, normalisationCount } = examineGraph(model);
    return activations.length === 0 && normalisationCount === 0 ? 'it has no activation' : undefined;
  },
  cost({ samples }, { sampleCount }) {
    const count = Math.min(samples, sampleCount);
    return { passCount: 4 * count, readCount: 3 * count };
  },
  run: examine,
});

interface Found {
  readonly activations: readonly FoundActivation[];
  /** Undefined without data. */
  readonly uses: ActivationUses | undefined;
  readonly normalisations: ReturnType<typeof findNormalisations>;
  readonly normalised: readonly NormalisedLayer[];
  readonly functions: readonly ExaminedFunction[];
  readonly sampleCount: number | undefined;
}

interface ExaminedFunction {
  readonly name: string;
  readonly entry: string;
  readonly properties: ActivationProperties;
}

function examineGraph(model: Model): {
  readonly activations: readonly FoundActivation[];
  readonly normalisations: ReturnType<typeof findNormalisations>;
  readonly normalisationCount: number;
} {
  const table = layersOf(model, inferTypes(model));
  const normalisations = findNormalisations(table);
  return { activations: findActivations(table), normalisations, normalisationCount: normalisations.length };
}

async function examine(context: AnalysisContext, chosen: Settings): Promise<ReportDraft> {
  const { data, model } = context;
  const { activations, normalisations } = examineGraph(model);
  if (activations.length === 0 && normalisations.length === 0 && chosen.entry === 'none') {
    throw new UserError(
      'no-activations',
      'This model has no activation and no normalisation. Choose a model with ReLU, GELU or the like, or see an entry of the catalogue with --set entry=relu.',
    );
  }
  const sampleCount =
    data === undefined ? undefined : Math.min(chosen.samples, data.sampleCount, context.limit ?? Infinity);
  const measures = data !== undefined && sampleCount !== undefined;
  const uses = measures
    ? await measureUse(context, data, { found: activations, limit: sampleCount })
    : undefined;
  const normalised = measures ? await measureNormalised(context, data, sampleCount) : [];
  const functions = await examineFunctions(context, activations);
  const found = { activations, uses, normalisations, normalised, functions, sampleCount };
  return draftOf(found, await pageOf(chosen));
}

async function examineFunctions(
  { signal }: AnalysisContext,
  activations: readonly FoundActivation[],
): Promise<ExaminedFunction[]> {
  const examined: ExaminedFunction[] = [];
  for (const { name, of } of functionsInUse(activations)) {
    if (of.match === undefined || examined.length === examinedCount) continue;
    const { entry, parameters } = of.match;
    examined.push({ name, entry: entry.id, properties: await propertiesOf(entry, parameters) });
    await yieldToEventLoop();
    throwIfAborted(signal);
  }
  return examined;
}

async function pageOf({ entry }: Settings): Promise<Block[]> {
  const chosen = activationCatalogue.get(entry);
  return chosen === undefined ? [] : entryPage(chosen, await propertiesOf(chosen));
}

function draftOf(found: Found, page: readonly Block[]): ReportDraft {
  const values = metricsOf(found);
  const structural: Evidence = { kind: 'measured' };
  const measured: Evidence =
    found.sampleCount === undefined
      ? { kind: 'not-captured', how: 'no data were given' }
      : 'highestSaturation' in values
        ? { kind: 'measured', n: found.sampleCount }
        : { kind: 'not-captured', how: 'no activation could be measured' };
  const evidence = Object.fromEntries(
    Object.keys(metrics).map((key) => [key, key === 'highestSaturation' ? measured : structural]),
  );
  return {
    title: 'Activation catalogue',
    summary: summaryOf(found, values),
    ...(found.sampleCount === undefined ? {} : { usedCount: found.sampleCount }),
    metrics: values,
    evidence,
    findings: useFindings(found.activations, found.uses),
    arrays: arraysOf(found),
    blocks: blocksOf(found, page, Object.keys(values)),
    warnings: [],
  };
}

function metricsOf({ activations, uses, normalisations }: Found): Record<string, number> {
  const shares = [...(uses?.values() ?? [])].flatMap((use) =>
    typeof use === 'string' || use.saturatedShare === undefined ? [] : [use.saturatedShare],
  );
  return {
    activationCount: activations.length,
    functionCount: new Set(activations.map(activationName)).size,
    unknownCount: activations.filter(({ match }) => match === undefined).length,
    normalisedCount: normalisations.length,
    ...(shares.length === 0 ? {} : { highestSaturation: Math.max(...shares) }),
    entryCount: activationCatalogue.size,
  };
}

function summaryOf({ activations, normalisations }: Found, values: Record<string, number>): string {
  const counts = new Map<string, number>();
  for (const activation of activations) {
    const name = activationName(activation);
    counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  const most = [...counts].sort(([, a], [, b]) => b - a);
  const named = most.slice(0, 4).map(([name, count]) => `${String(count)} × ${name}`);
  const more = most.length > 4 ? ` and ${String(most.length - 4)} more functions` : '';
  const which =
    activations.length === 0
      ? 'The model has no activation of its own'
      : `The model has ${named.join(', ')}${more}`;
  const norms =
    normalisations.length === 0 ? '' : `, and ${counted(normalisations.length, 'recognised normalisation')}`;
  const highest = values['highestSaturation'];
  const use =
    highest === undefined
      ? ''
      : ` At most ${(100 * highest).toFixed(0)} % of an activation’s inputs have a slope near 0.`;
  return `${which}${norms}.${use} The catalogue has ${String(activationCatalogue.size)} functions.`;
}

function blocksOf(found: Found, page: readonly Block[], measured: readonly string[]): Block[] {
  const { activations, uses, normalised, normalisations, functions } = found;
  const charts = uses === undefined ? [] : useCharts(activations, uses);
  return [
    {
      type: 'metrics',
      items: measured.map((metric) => ({
        metric,
        label: metrics[metric as keyof typeof metrics].title,
        format: metric === 'highestSaturation' ? ('percent' as const) : ('count' as const),
      })),
    },
    { type: 'findings', title: 'Findings' },
    ...page,
    ...charts,
    ...(charts.length === 0 && page.length === 0 ? curveCharts(functionsInUse(activations)) : []),
    ...(activations.length === 0 ? [] : [activationTable(activations, uses)]),
    ...(normalised.length > 0 ? normalisedBlocks(normalised) : namedNormalisations(normalisations)),
    ...(functions.length === 0 ? [] : [propertyTable(functions)]),
    ...unknownBlocks(activations, uses),
    catalogueTable(),
    { type: 'citation', papers: ['liu2020evonorm'] },
  ];
}

function namedNormalisations(normalisations: Found['normalisations']): Block[] {
  if (normalisations.length === 0) return [];
  return [
    {
      type: 'table',
      title: 'Normalised layers',
      columns: [
        { key: 'block', label: 'Block', kind: 'text' },
        { key: 'variant', label: 'Kind', kind: 'text' },
        { key: 'layer', label: 'Layer', kind: 'address' },
      ],
      rows: normalisations.map(({ name, variant, layer }) => ({
        block: name,
        variant,
        layer: layer === undefined ? null : formatAddress({ layer }),
      })),
    },
  ];
}

function arraysOf({ activations, uses, sampleCount }: Found): Record<string, ResultArray> {
  if (uses === undefined || sampleCount === undefined || activations.length === 0) return {};
  const how = activations.map(({ layer }) => layer.name).join(', ');
  const column = (of: 'saturatedShare' | 'identityShare'): ResultArray => ({
    value: {
      dtype: 'float64',
      dims: [activations.length],
      data: Float64Array.from(activations, (activation) => {
        const use = uses.get(activation);
        return use === undefined || typeof use === 'string' ? NaN : (use[of] ?? NaN);
      }),
    },
    evidence: { kind: 'measured', n: sampleCount, how },
  });
  return { saturatedShare: column('saturatedShare'), identityShare: column('identityShare') };
}
