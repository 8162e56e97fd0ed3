import type { Analysis } from './analysis.js';
import { activationCatalog } from './activations/activation-catalog.js';
import { createTimeline } from './compare/timeline.js';
import { createCheckup } from './health/checkup.js';
import { activationSparsity } from './health/activation-sparsity.js';
import { deadNeurons } from './health/dead-neurons.js';
import { positionalNeurons } from './health/positional-neurons.js';
import { tokenNeurons } from './health/token-neurons.js';
import { redundantNeurons } from './health/redundant-neurons.js';
import { variancePropagation } from './health/variance-propagation.js';
import { moduleUsage } from './health/module-usage.js';
import { controlFlow } from './health/control-flow.js';
import { binaryLayers } from './health/binary-layers.js';
import { weightSigns } from './health/weight-signs.js';
import { domainDivergence } from './health/domain-divergence.js';
import { featureDiversity } from './health/feature-diversity.js';
import { multicollinearity } from './health/multicollinearity.js';
import { surrogatePolynomial } from './health/surrogate-polynomial.js';
import { massiveActivations } from './health/massive-activations.js';
import { temporalSparsity } from './health/temporal-sparsity.js';
import { featureVisualization } from './neuron/feature-visualization.js';
import { neuronRole } from './neuron/neuron-role.js';
import { networkDissection } from './neuron/network-dissection.js';
import { adversarialExamples } from './prediction/adversarial-examples.js';
import { aspectImportance } from './prediction/aspect-importance.js';
import { attribution } from './prediction/attribution.js';
import { featureInteractions } from './prediction/feature-interactions.js';
import { embeddings } from './prediction/embeddings.js';
import { functionExplorer } from './prediction/function-explorer.js';
import { generate } from './prediction/generate.js';
import { attributionBenchmark } from './prediction/attribution-benchmark.js';
import { distillInterpretable } from './prediction/distill-interpretable.js';
import { extractTree } from './prediction/extract-tree.js';
import { nearestExamples } from './prediction/nearest-examples.js';
import { permutationImportance } from './prediction/permutation-importance.js';
import { trainingInfluence } from './prediction/training-influence.js';
import { treeEnsemble } from './prediction/tree-ensemble.js';
import { attentionMaps } from './representation/attention-maps.js';
import { invertRepresentation } from './representation/invert-representation.js';

/** Every analysis that asks one question, one line each, in the order they are listed. */
const questions: readonly Analysis[] = [
  deadNeurons,
  activationSparsity,
  positionalNeurons,
  tokenNeurons,
  weightSigns,
  binaryLayers,
  variancePropagation,
  temporalSparsity,
  massiveActivations,
  featureDiversity,
  domainDivergence,
  multicollinearity,
  surrogatePolynomial,
  redundantNeurons,
  moduleUsage,
  controlFlow,
  attribution,
  attributionBenchmark,
  permutationImportance,
  aspectImportance,
  treeEnsemble,
  networkDissection,
  featureVisualization,
  neuronRole,
  adversarialExamples,
  functionExplorer,
  attentionMaps,
  featureInteractions,
  extractTree,
  embeddings,
  invertRepresentation,
  nearestExamples,
  generate,
  trainingInfluence,
  distillInterpretable,
  activationCatalog,
];

const checkup = createCheckup(questions);

/** Every analysis there is; the checkup asks those of health, the timeline any of them. */
export const analyses: readonly Analysis[] = [checkup, ...questions, createTimeline([...questions, checkup])];
