import { UserError } from '../../base/errors.js';
import type { Dataset } from '../../data/dataset.js';
import { median } from '../../engine/numeric/order.js';
import { spearman } from '../../engine/numeric/rankCorrelation.js';
import { formatAddress } from '../../onnx/addresses.js';
import type { Block } from '../../protocol/blocks.js';
import { counted, formatNumber } from '../../protocol/formatReport.js';
import type { Evidence, Finding } from '../../protocol/report.js';
import type { SettingsSchema } from '../../protocol/settings.js';
import {
  type AnalysisContext,
  defineAnalysis,
  type ReportDraft,
  type ResultArray,
  type SettingsOf,
} from '../analysis.js';
import { planLayers, unmeasuredBlocks, type UnmeasuredLayer } from '../shared/layerPlan.js';
import { sampleTotalOf } from '../shared/sweep.js';
import { inflationOf, unitKinds } from './collinearity/inflation.js';
import { type CollinearLayer, highFactor, layerFactors } from './collinearity/layers.js';
import { chooseObserved, whyTooFew } from './collinearity/chooseObserved.js';
import { observe } from './collinearity/observe.js';
import {
  addressOf,
  combination,
  depthChart,
  layerTable,
  relationBlocks,
  unitTable,
} from './collinearity/report.js';

const settings = {
  units: {
    kind: 'integer',
    title: 'Units',
    description:
      'Units of a layer that are looked at together: of wider layers so many are drawn, whose factors are then no more than those among all.',
    default: 256,
    minimum: 2,
    maximum: 512,
  },
  positions: {
    kind: 'integer',
    title: 'Positions',
    description:
      'Positions of a sample (pixels, tokens) that are observations of their own: drawn where there are more.',
    default: 16,
    minimum: 1,
    maximum: 4096,
  },
} as const satisfies SettingsSchema;

type Settings = SettingsOf<typeof settings>;

const metrics = {
  medianVif: {
    title: 'Median VIF',
    description: 'Variance inflation factor in the middle of all units that vary.',
  },
  highShare: {
    title: 'Above 10',
    description: 'Share of units whose variance inflation factor is above 10.',
  },
  exactCount: { title: 'Exact', description: 'Units that have a part in an exact linear relation.' },
  constantCount: {
    title: 'Constant',
    description: 'Units that are the same on all samples, dead ones among them.',
  },
  depthCorrelation: {
    title: 'Growth with depth',
    description: 'Spearman’s ρ of the layers’ median factor and their depth: 1 when it only grows.',
  },
  layerCount: { title: 'Layers', description: 'Layers whose units were regressed on each other.' },
  unitCount: { title: 'Units', description: 'Units that were looked at.' },
} as const;

/**
 * Multicollinearity: how far the units of a layer are linear combinations of each other.
 *
 * VIF_j = 1 / (1 − R_j²), R_j² of the regression of unit j on all others of its layer: the diagonal of the inverse of their
 * correlation matrix. 1: unrelated; above 10: nine tenths of its variance are those of the others. A layer that only feeds an
 * activation is measured behind it. Assumes many more observations than units; U independent units have (N − 1) / (N − U).
 * Caveat: a high factor wastes units and makes single weights meaningless, and harms no prediction.
 *
 * Source: Cheng, Khomtchouk, Matloff & Mohanty (2018), "Polynomial Regression As an Alternative to Neural Nets",
 * https://arxiv.org/abs/1806.06850. Differs: exact relations are told from high factors and written out; constant units are left
 * out of the regressions; positions of convolutions and sequences are observations.
 */
export const multicollinearity = defineAnalysis({
  id: 'multicollinearity',
  question: 'health',
  title: 'Multicollinearity',
  asks: 'How far are the units of a layer combinations of each other?',
  needs: { data: 'required', labels: 'none', gradients: false },
  settings,
  metrics,
  papers: [
    {
      id: 'cheng2018',
      title: 'Polynomial Regression As an Alternative to Neural Nets',
      url: 'https://arxiv.org/abs/1806.06850',
      line: 149,
    },
  ],
  rows: [
    {
      line: 149,
      limits:
        'Of layers wider than units (256 by default, 512 at most) a part is drawn, so that factors are lower bounds; it takes two observations for every unit. Layers inside bodies are not read.',
    },
  ],
  cost: (_, { sampleCount }) => ({ passCount: 1.5 * sampleCount, readCount: sampleCount }),
  run: examine,
});

interface Found {
  readonly data: Dataset;
  readonly layers: readonly CollinearLayer[];
  readonly unmeasured: readonly UnmeasuredLayer[];
  readonly sampleCount: number;
}

async function examine(context: AnalysisContext, chosen: Settings): Promise<ReportDraft> {
  const { data } = context;
  if (data === undefined) throw new Error('The runner starts no analysis without the data it needs.');
  const plan = await planLayers(context, data);
  const sampleCount = sampleTotalOf({ data, limit: context.limit });
  const { observed, unmeasured } = chooseObserved(plan, {
    ...{ sampleCount, random: context.random },
    ...{ unitLimit: chosen.units, positionLimit: chosen.positions },
  });
  if (observed.length === 0) throw noLayer(unmeasured);
  const moments = await observe(context, data, observed);
  const layers = observed.flatMap(({ target, units }, index): CollinearLayer[] => {
    const own = moments[index];
    if (own === undefined || own.count <= units.length) {
      unmeasured.push({ layer: target.layer, reason: whyTooFew(units.length, own?.count ?? 0) });
      return [];
    }
    const operator = plan.table.byName.get(target.layer)?.operator ?? '';
    const { layer, unitCount } = target;
    return [{ layer, operator, unitCount, units, observationCount: own.count, inflation: inflationOf(own) }];
  });
  if (layers.length === 0) throw noLayer(unmeasured);
  return draftOf({ data, layers, unmeasured, sampleCount });
}

function noLayer([first]: readonly UnmeasuredLayer[]): UserError {
  const example = first === undefined ? '' : ` For example, ${first.layer}: ${first.reason}.`;
  return new UserError(
    'no-units',
    `No layer of this model has units that can be regressed on each other with these data.${example} Pass more samples, or a model with layers of two units and more in its main graph.`,
  );
}

function draftOf(found: Found): ReportDraft {
  const { layers, unmeasured, sampleCount } = found;
  const values = metricsOf(layers);
  const how = `${layers.reduce((sum, at) => sum + at.observationCount, 0).toLocaleString('en')} observations in ${counted(layers.length, 'layer')}`;
  const measured: Evidence = { kind: 'measured', n: sampleCount, how };
  const evidenceOf = (key: string): Evidence =>
    key in values
      ? measured
      : {
          kind: 'not-captured',
          how:
            key === 'depthCorrelation' ? 'it takes three layers and factors that differ' : 'no unit varies',
        };
  return {
    title: 'Multicollinearity',
    summary: summaryOf(found, values),
    usedCount: sampleCount,
    metrics: values,
    evidence: Object.fromEntries(Object.keys(metrics).map((key) => [key, evidenceOf(key)])),
    findings: findingsOf(layers),
    arrays: arraysOf(layers, measured),
    blocks: [
      { type: 'metrics', items: metricItems(Object.keys(values)) },
      { type: 'findings', title: 'Findings' },
      depthChart(layers),
      layerTable(layers),
      ...relationBlocks(layers),
      unitTable(layers),
      ...unmeasuredBlocks(unmeasured),
      howToRead,
      { type: 'citation', papers: ['cheng2018'] },
    ],
    warnings: warningsOf(layers),
  };
}

function metricItems(
  keys: readonly string[],
): { metric: string; label: string; format?: 'count' | 'percent' }[] {
  return keys.map((metric) => ({
    metric,
    label: metrics[metric as keyof typeof metrics].title,
    ...(metric.endsWith('Count') ? { format: 'count' as const } : {}),
    ...(metric === 'highShare' ? { format: 'percent' as const } : {}),
  }));
}

function warningsOf(layers: readonly CollinearLayer[]): string[] {
  const drawn = layers.filter(({ units, unitCount }) => units.length < unitCount);
  const [first] = drawn;
  if (first === undefined) return [];
  return [
    `Of ${counted(drawn.length, 'layer')} only some of the units were drawn (${first.units.length} of ${first.unitCount} at ${first.layer}): factors among all units can only be larger. Raise units, and pass more samples where they are too few.`,
  ];
}

const howToRead: Block = {
  type: 'markdown',
  title: 'How to read this',
  folded: true,
  text: 'Each unit is regressed on all other units of its layer. A variance inflation factor of 1 says that they tell nothing about it, 10 that they give nine tenths of its variance, ∞ that they give it exactly. A polynomial of higher and higher degree has more and more collinear terms, and so do deeper layers, which is why the paper expects the factor to grow with depth. Many collinear units are spare capacity: the layer can be narrower, or its units merged. Some relations follow from how the network is built: a layer wider than what it reads has no more independent units than that, and a layer normalisation makes its units sum to a constant.',
};

function metricsOf(layers: readonly CollinearLayer[]): Record<string, number> {
  const perLayer = layers.map(layerFactors);
  const total = (of: (factors: (typeof perLayer)[number]) => number): number =>
    perLayer.reduce((sum, factors) => sum + of(factors), 0);
  const factors = layers
    .flatMap(({ inflation }) => [...inflation.factors])
    .filter((factor) => !Number.isNaN(factor));
  const medians = perLayer.map((own) => own.median).filter((own) => !Number.isNaN(own));
  const growth = medians.length < 3 ? NaN : spearman(Float64Array.from(medians.keys()), medians);
  return {
    ...(factors.length === 0
      ? {}
      : { medianVif: median(factors), highShare: total(({ highCount }) => highCount) / factors.length }),
    exactCount: total(({ exactCount }) => exactCount),
    constantCount: total(({ constantCount }) => constantCount),
    ...(Number.isNaN(growth) ? {} : { depthCorrelation: growth }),
    layerCount: layers.length,
    unitCount: layers.reduce((sum, { units }) => sum + units.length, 0),
  };
}

function summaryOf({ layers }: Found, values: Record<string, number>): string {
  const { medianVif, highShare = NaN, exactCount = 0, depthCorrelation } = values;
  if (medianVif === undefined) return `No unit of ${counted(layers.length, 'layer')} varies on these data.`;
  const exact =
    exactCount === 0
      ? ''
      : `, and ${exactCount.toLocaleString('en')} ${exactCount === 1 ? 'has' : 'have'} a part in an exact relation`;
  const growth =
    depthCorrelation === undefined
      ? ''
      : ` Over depth the layers’ medians ${depthCorrelation > 0.5 ? 'grow' : depthCorrelation < -0.5 ? 'shrink' : 'follow no line'} (ρ = ${formatNumber(depthCorrelation)}).`;
  return `Half of the units of ${counted(layers.length, 'layer')} have a variance inflation factor above ${formatNumber(medianVif)}; ${formatNumber(highShare, 'percent')} are above ${highFactor}${exact}.${growth}`;
}

/** Layers whose redundant units are findings of their own. */
const shownLayers = 5;

/**
 * Units that a few others give are redundant; combinations of many follow from how the network is built (a layer wider than its
 * input, channels that a normalisation makes sum to a constant) and are no finding.
 */
const fewTerms = 3;

function findingsOf(layers: readonly CollinearLayer[]): Finding[] {
  const broken = layers
    .map((at) => ({ at, count: layerFactors(at).notFiniteCount }))
    .filter(({ count }) => count > 0)
    .map(({ at: { layer }, count }): Finding => ({
      severity: 'error',
      address: formatAddress({ layer }),
      message: `${count} units of ${layer} are NaN or infinite on these data.`,
      advice: 'Look for NaN in the data and for overflow in the layers before this one.',
    }));
  const redundant = layers
    .map((at) => ({ at, relations: at.inflation.relations.filter(({ terms }) => terms.length <= fewTerms) }))
    .filter(({ relations }) => relations.length > 0)
    .sort((a, b) => b.relations.length - a.relations.length)
    .slice(0, shownLayers)
    .map(({ at, relations }): Finding => {
      const [first] = relations;
      const example =
        first === undefined ? '' : `: ${addressOf(at, first.unit)} = ${combination(at, first)} + a constant`;
      return {
        severity: 'info',
        address: formatAddress({ layer: at.layer }),
        message: `${relations.length} of the ${layerFactors(at).varyingCount} units of ${at.layer} that vary ${relations.length === 1 ? 'is' : 'are'} exactly what at most ${fewTerms} others give${example}.`,
        advice:
          'On these data the layer does as well without them: redundant-neurons merges units, and a narrower layer trains faster. Copies in a trained layer point at equal initial weights.',
      };
    });
  return [...broken, ...redundant];
}

function arraysOf(layers: readonly CollinearLayer[], evidence: Evidence): Record<string, ResultArray> {
  const codes = unitKinds.map((kind, code) => `${code} ${kind}`).join(', ');
  const medians = Float64Array.from(layers, (at) => layerFactors(at).median);
  const arrays: Record<string, ResultArray> = {
    medianVif: { value: { dtype: 'float64', dims: [layers.length], data: medians }, evidence },
  };
  for (const { layer, unitCount, units, inflation } of layers) {
    const vif = new Float64Array(unitCount).fill(NaN);
    const kinds = new Uint8Array(unitCount).fill(unitKinds.indexOf('not-drawn'));
    for (const [place, unit] of units.entries()) {
      vif[unit] = inflation.factors[place] ?? NaN;
      kinds[unit] = unitKinds.indexOf(inflation.kinds[place] ?? 'not-drawn');
    }
    const dims = [unitCount];
    arrays[`${layer}.vif`] = { value: { dtype: 'float64', dims, data: vif }, evidence };
    arrays[`${layer}.collinearity`] = {
      value: { dtype: 'uint8', dims, data: kinds },
      evidence: { ...evidence, how: codes },
    };
  }
  return arrays;
}
