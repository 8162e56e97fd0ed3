import { messageOf, UserError } from '../../base/errors.js';
import type { Model } from '../../onnx/model.js';
import { exchangedTypes } from './ortTensors.js';
import type { Provider, ProviderChoice } from './session.js';

/** Operator domains that the runtime has kernels for. */
const knownDomains: ReadonlySet<string> = new Set([
  '',
  'ai.onnx.ml',
  'ai.onnx.training',
  'ai.onnx.preview.training',
  'com.microsoft',
  'com.microsoft.nchwc',
  'com.microsoft.experimental',
  'com.ms.internal.nhwc',
]);

/** The newest ai.onnx opset that the runtime loads. */
const newestOpset = 26;

/** What each provider needs; none is needed for the CPU. */
const needs: Partial<Record<ProviderChoice, string>> = {
  cuda: 'It needs an NVIDIA GPU, CUDA 12 with cuDNN 9, and the CUDA libraries of onnxruntime-node (Linux and Windows x64).',
  webgpu: 'It needs a GPU and its driver (Vulkan on Linux, Direct3D 12 on Windows, Metal on macOS).',
  dml: 'It needs Windows and a GPU with DirectX 12.',
  coreml: 'It needs macOS on Apple silicon.',
};

/** Returns the error for a provider that does not work on this machine. */
export function providerUnavailable(provider: ProviderChoice, cause: unknown): UserError {
  return new UserError(
    'provider-unavailable',
    `The provider ${provider} is not available on this machine: ${shortMessage(cause)} ${needs[provider] ?? ''} ` +
      `Use --provider cpu, or auto to take the best one that works.`,
    { kind: 'environment', cause, detail: { provider } },
  );
}

/** Returns the error for a runtime that is not installed, or whose native library does not load on this machine. */
export function runtimeMissing(cause: unknown): UserError {
  return new UserError(
    'runtime-missing',
    `The native runtime does not load: ${shortMessage(cause)} Install again with npm ci; there are builds for Linux, Windows and macOS on arm64.`,
    { kind: 'environment', cause },
  );
}

/** Returns the error for a model that the runtime refuses to open. */
export function modelRejected(model: Model, provider: Provider, cause: unknown): UserError {
  if (isOutOfMemory(cause)) return outOfMemory('opening the model', cause);
  const reason = unknownOperator(model) ?? tooNew(model) ?? unfeedableInput(model) ?? shortMessage(cause);
  return new UserError('model-rejected', `The runtime cannot open this model on ${provider}: ${reason}`, {
    cause,
    detail: { provider },
  });
}

/** Returns the error for a run that failed: on its feeds, or on a GPU provider for want of a kernel. */
export function runFailed(cause: unknown, provider: Provider): UserError {
  if (isOutOfMemory(cause)) return outOfMemory('running the model', cause);
  const remedy =
    provider === 'cpu'
      ? ''
      : ` It ran on ${provider}: if that lacks something, use --provider cpu, or auto, which goes on with cpu.`;
  const message = `The model cannot run on this data: ${shortMessage(cause)}${remedy}`;
  return new UserError('run-failed', message, { cause });
}

function outOfMemory(doing: string, cause: unknown): UserError {
  return new UserError(
    'out-of-memory',
    `Memory ran out while ${doing}. Use a smaller batch (--batch), or close other programs. (${shortMessage(cause)})`,
    { kind: 'environment', cause },
  );
}

function unknownOperator(model: Model): string | undefined {
  const own = new Set(model.functions.map(({ domain, name }) => `${domain}:${name}`));
  const stranger = model.graph.nodes.find(
    ({ domain, opType }) => !knownDomains.has(domain) && !own.has(`${domain}:${opType}`),
  );
  if (stranger === undefined) return undefined;
  const { domain, opType, name } = stranger;
  const version = model.opsets.get(domain);
  const opset = version === undefined ? '' : ` (opset ${version})`;
  return (
    `it has no operator ${domain}:${opType}${opset}, which node "${name}" uses. ` +
    `Export the model without custom operators, or with them as model-local functions.`
  );
}

function tooNew(model: Model): string | undefined {
  const opset = model.opsets.get('') ?? 0;
  if (opset <= newestOpset) return undefined;
  return `it uses opset ${opset}, and the newest this runtime knows is ${newestOpset}. Export it with an older opset.`;
}

function unfeedableInput(model: Model): string | undefined {
  for (const { name, type } of model.graph.inputs) {
    if (model.graph.initializers.has(name)) continue;
    const what = type.kind === 'tensor' ? type.elementType : type.kind;
    if (type.kind === 'unknown' || (type.kind === 'tensor' && exchangedTypes.has(type.elementType))) continue;
    return `its input ${name} is of type ${what}, which cannot be fed. Export it with a float32, float16 or integer input.`;
  }
  return undefined;
}

/** Returns the runtime's words without its code, its source paths and what is beyond 600 characters. */
export function shortMessage(error: unknown): string {
  const text = messageOf(error)
    .replace(/^\[ONNXRuntimeError\] : \d+ : [A-Z_]+ : /, '')
    .replace(
      /\S*\/onnxruntime\S*:\d+ (?:[^()\n]*\([^)\n]*\)(?: const)?(?: \[with[^\]\n]*\])?(?:::<lambda\(\)>)? ?)?/g,
      '',
    )
    .replaceAll(/\s+/g, ' ')
    .trim();
  const short = text.length > 600 ? `${text.slice(0, 600)}…` : text;
  return /[.!?…]$/.test(short) ? short : `${short}.`;
}

/** The runtime gives no code for it, so its words (and the C++ library's) are all there is to tell by. */
function isOutOfMemory(error: unknown): boolean {
  return /bad_alloc|bad allocation|Failed to allocate memory|out of memory|Array buffer allocation failed/i.test(
    messageOf(error),
  );
}
