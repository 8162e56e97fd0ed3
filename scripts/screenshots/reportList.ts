/** A report that is pictured: what is asked of which sample, with so few samples that it takes seconds. */
export interface PicturedReport {
  readonly analysis: string;
  readonly sample: string;
  /** What the command line is told besides. */
  readonly args: readonly string[];
}

const few = (count: number): string[] => ['--limit', String(count)];
const set = (...pairs: string[]): string[] => pairs.flatMap((pair) => ['--set', pair]);

const of = (sample: string, analysis: string, ...args: string[]): PicturedReport => ({
  analysis,
  sample,
  args,
});

/**
 * Every analysis that the stories do not lead through and that a sample model answers, in sets that take a few minutes each:
 * none of them routes (module-usage, control-flow), binarises (binary-layers) or has few enough pieces for a tree (extract-tree).
 */
export const reportSets: readonly (readonly PicturedReport[])[] = [
  [
    of('digits-cnn', 'training-influence', ...few(100)),
    of('cross-network', 'distill-interpretable', ...set('concepts=columns'), ...few(800)),
    of('cart-pole-trees', 'tree-ensemble', ...few(200)),
    of('story-lm', 'embeddings', ...few(50)),
    of('story-lm', 'attention-maps', ...few(8)),
    of('digits-cnn', 'network-dissection', ...few(300)),
  ],
  [
    of('digits-cnn', 'invert-representation', ...set('steps=60'), ...few(4)),
    of(
      'digits-cnn',
      'attribution-benchmark',
      ...set('methods=gradient,input-x-gradient,occlusion'),
      ...few(4),
    ),
    of('marketing-mix', 'function-explorer', ...set('view=response-curves'), ...few(20)),
    of('cross-network', 'feature-interactions', ...few(60)),
    of('digits-cnn', 'nearest-examples', ...few(300)),
    of('digits-cnn', 'adversarial-examples', ...set('steps=8'), ...few(16)),
    of('digits-cnn', 'checkup', ...few(100)),
  ],
  [
    of('story-lm', 'token-neurons', ...few(60)),
    of('story-lm', 'positional-neurons', ...few(60)),
    of('story-lm', 'activation-sparsity', ...set('method=ppl', 'perplexitySamples=8'), ...few(20)),
    of('story-lm', 'temporal-sparsity', ...few(20)),
    of('story-lm', 'massive-activations', ...few(20)),
    of('digits-cnn', 'variance-propagation', ...few(200)),
    of('digits-cnn', 'feature-diversity', ...few(300)),
  ],
  [
    of('digits-cnn', 'weight-signs', ...few(200)),
    of('digits-cnn', 'redundant-neurons', ...few(200)),
    of('digits-cnn', 'domain-divergence', ...few(200)),
    of('story-lm', 'generate', ...set('prompt=Alice was')),
  ],
];
