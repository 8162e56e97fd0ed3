import type { CachePort, DecoderPorts, IdsPort } from '../../../engine/generation/decoderPorts.js';
import type { RoledInput, TextRole } from '../../../data/text/textRoles.js';
import type { Model } from '../../../onnx/model.js';
import type { LanguageTask } from './languageTask.js';

/** Returns where a language model takes tokens one by one. */
export function decoderPortsOf(model: Model, { inputs, logits }: LanguageTask): DecoderPorts {
  const of = (role: TextRole): RoledInput['target'] | undefined =>
    inputs.find((input) => input.role === role)?.target;
  const port = (role: TextRole): IdsPort | undefined => {
    const target = of(role);
    return target === undefined
      ? undefined
      : { name: target.name, elementType: target.elementType === 'int32' ? 'int32' : 'int64' };
  };
  const ids = port('ids');
  if (ids === undefined) throw new Error('A language task has an input of token ids.');
  const mask = port('mask');
  const positions = port('positions');
  const types = port('types');
  const flag = of('flag')?.name;
  const { fixedBatch, sampleShape } = of('ids') ?? {};
  const length = sampleShape?.[0];
  return {
    ids,
    ...(mask === undefined ? {} : { mask }),
    ...(positions === undefined ? {} : { positions }),
    ...(types === undefined ? {} : { types }),
    ...(flag === undefined ? {} : { flag }),
    caches: cachesOf(model, inputs),
    logits,
    ...(fixedBatch === undefined ? {} : { fixedBatch }),
    ...(typeof length === 'number' ? { fixedLength: length } : {}),
  };
}

/** The same name but for past and present tells which output an input takes next. */
function cachesOf(model: Model, inputs: readonly RoledInput[]): CachePort[] {
  const outputs = new Map(model.graph.outputs.map(({ name }) => [bareName(name), name]));
  return inputs
    .filter(({ role }) => role === 'past')
    .map(({ target }) => ({
      input: target.name,
      output: outputs.get(bareName(target.name)),
      elementType: target.elementType,
      shape: target.shape ?? [],
    }));
}

/** `past_key_values.0.key` and `present.0.key` → `0 key`; `k_cache_in_0` and `k_cache_out_0` → `k 0`. */
function bareName(name: string): string {
  return name
    .toLowerCase()
    .replace(/(past|present)(_key_values?)?/gu, ' ')
    .split(/[^a-z0-9]+/u)
    .filter((word) => word !== '' && !/^(in|out|input|output|new|old|cache)$/u.test(word))
    .join(' ');
}
