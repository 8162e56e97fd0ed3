import assert from 'node:assert/strict';
import {
  accuracyPreface,
  type AnswerTally,
  chooseAnswerOutput,
  noAnswers,
  tallyAnswers,
} from '../../../src/analyses/shared/accuracy.js';
import { createRandom } from '../../../src/base/random.js';
import { float32Tensor, int64Tensor } from '../../../src/onnx/tensorValue.js';

/** Scores of 3 classes; the first largest wins. */
const scores = float32Tensor([1, 5, 2, 9, 0, 0, 0, 0, 7, 3, 3, 1], [4, 3]);

function tallyOf(predictions: readonly number[], labels: readonly number[], classCount: number): AnswerTally {
  const data = new Float32Array(predictions.length * classCount);
  for (const [row, prediction] of predictions.entries()) data[row * classCount + prediction] = 1;
  return tallyAnswers(
    noAnswers,
    float32Tensor(data, [predictions.length, classCount]),
    Int32Array.from(labels),
  );
}

describe('tallyAnswers', () => {
  it('takes the first largest score of a row', () => {
    const tally = tallyAnswers(noAnswers, scores, Int32Array.of(1, 0, 2, 1));
    assert.equal(tally.correctCount, 3);
    assert.deepEqual([...tally.byPrediction].sort(), [
      [0, 2],
      [1, 1],
      [2, 1],
    ]);
  });

  it('does not care for log-probabilities of −∞ and counts NaN as wrong', () => {
    const output = float32Tensor([-Infinity, 0, NaN, 1], [2, 2]);
    const tally = tallyAnswers(noAnswers, output, Int32Array.of(1, 1));
    assert.equal(tally.correctCount, 1);
    assert.equal(tally.nonFiniteCount, 1);
  });

  it('reads the class from an integer output and adds batches up', () => {
    const first = tallyAnswers(noAnswers, int64Tensor([2, 0], [2]), Int32Array.of(2, 1));
    const both = tallyAnswers(first, int64Tensor([4], [1]), Int32Array.of(4));
    assert.equal(both.sampleCount, 3);
    assert.equal(both.correctCount, 2);
  });
});

describe('chooseAnswerOutput', () => {
  it('prefers scores to classes and leaves other shapes alone', () => {
    const label = int64Tensor([1, 2], [2]);
    const two = float32Tensor(new Float32Array(6), [2, 3]);
    assert.equal(chooseAnswerOutput({ label, probabilities: two }, 2), 'probabilities');
    assert.equal(chooseAnswerOutput({ label }, 2), 'label');
    assert.equal(
      chooseAnswerOutput({ pooled: float32Tensor(new Float32Array(6), [2, 3, 1, 1]) }, 2),
      'pooled',
    );
    assert.equal(chooseAnswerOutput({ boxes: float32Tensor(new Float32Array(24), [2, 3, 4]) }, 2), undefined);
    assert.equal(chooseAnswerOutput({ value: float32Tensor(new Float32Array(2), [2, 1]) }, 2), undefined);
  });
});

describe('accuracyPreface', () => {
  const labels = Array.from({ length: 100 }, (_, i) => i % 10);

  it('reports the accuracy of a good model without a warning', () => {
    const tally = tallyOf(
      labels.map((label, i) => (i < 8 ? (label + 1) % 10 : label)),
      labels,
      10,
    );
    const preface = accuracyPreface(tally);
    assert.equal(preface.metrics['accuracy'], 0.92);
    assert.deepEqual(preface.evidence['accuracy'], { kind: 'measured', n: 100 });
    assert.deepEqual(preface.warnings, []);
  });

  it('warns when the answers are random', () => {
    const random = createRandom(4);
    const preface = accuracyPreface(
      tallyOf(
        labels.map(() => random.integer(10)),
        labels,
        10,
      ),
    );
    assert.equal(preface.warnings.length, 1);
    assert.match(preface.warnings[0]!, /at chance/);
    assert.equal(preface.blocks.filter((block) => block.type === 'warning').length, 1);
  });

  it('measures chance by the commonest label, not by the number of classes', () => {
    const skewed = Array.from({ length: 100 }, (_, i) => (i < 90 ? 0 : 1));
    const { warnings } = accuracyPreface(
      tallyOf(
        skewed.map(() => 0),
        skewed,
        2,
      ),
    );
    assert.match(warnings.join('\n'), /at chance: 90.0 %/);
    assert.match(warnings.join('\n'), /answers class 0 for every one/);
  });

  it('says nothing of chance on too few samples', () => {
    assert.deepEqual(accuracyPreface(tallyOf([0], [1], 2)).warnings, []);
  });

  it('warns when labels go beyond the classes', () => {
    assert.match(accuracyPreface(tallyOf([1, 0], [3, 0], 2)).warnings.join(), /labels go up to 3/);
  });

  it('is empty without samples', () => {
    assert.deepEqual(accuracyPreface(noAnswers).metrics, {});
  });
});
