import type { UserError } from '../base/errors.js';
import { notOnnx } from './modelErrors.js';

interface ForeignFormat {
  /** Whether a file that begins with these bytes (up to 512) is of this format. */
  readonly matches: (head: Uint8Array, sizeBytes: number) => boolean;
  readonly whatItIs: string;
  readonly advice: string;
}

const exportFromPyTorch =
  'Export the model from Python: torch.onnx.export(model, example_input, "model.onnx").';
const exportFromKeras =
  'Convert it with tf2onnx: python -m tf2onnx.convert --keras FILE --output model.onnx.';

/** Files that people take for ONNX models, by how they begin. */
const formats: readonly ForeignFormat[] = [
  {
    matches: text('version https://git-lfs.github.com/'),
    whatItIs: 'a Git LFS pointer, a few lines that stand for the real file',
    advice: 'Run "git lfs pull" in its repository to fetch the model itself.',
  },
  {
    // A zip whose first entry is torch.save's, before the test for any zip.
    matches: (head) => startsWith(head, 'PK\x03\x04') && contains(head, 'data.pkl'),
    whatItIs: 'a PyTorch checkpoint (.pt, .pth)',
    advice: exportFromPyTorch,
  },
  {
    matches: (head) => head[0] === 0x80 && (head[1] ?? 0) >= 2 && (head[1] ?? 0) <= 5,
    whatItIs: 'a Python pickle, as older PyTorch (.pt, .pth) and scikit-learn files are',
    advice: `${exportFromPyTorch} For scikit-learn use skl2onnx.`,
  },
  {
    matches: (head) => startsWith(head, 'PK\x03\x04') && contains(head, 'metadata.json'),
    whatItIs: 'a Keras model (.keras)',
    advice: exportFromKeras,
  },
  {
    matches: text('PK\x03\x04'),
    whatItIs: 'a zip archive',
    advice: 'Unpack it and give the .onnx file inside; a PyTorch checkpoint must be exported to ONNX first.',
  },
  {
    matches: isSafetensors,
    whatItIs: 'a safetensors file: weights without the network',
    advice: `Load the weights into the network they belong to and export both. ${exportFromPyTorch}`,
  },
  {
    matches: text('GGUF'),
    whatItIs: 'a GGUF file (llama.cpp)',
    advice: 'Take the ONNX export of the model.',
  },
  {
    matches: text('\x89HDF\r\n'),
    whatItIs: 'an HDF5 file, as Keras .h5 models are',
    advice: exportFromKeras,
  },
  {
    matches: (head) => startsWith(head.subarray(4), 'TFL3'),
    whatItIs: 'a TensorFlow Lite model',
    advice: 'Convert it with tf2onnx: python -m tf2onnx.convert --tflite FILE --output model.onnx.',
  },
  {
    matches: (head) => startsWith(head.subarray(4), 'ORTM'),
    whatItIs: 'a model in the ORT format, which has been optimised for one machine',
    advice: 'Give the .onnx file it was made from.',
  },
  {
    matches: text('\x1f\x8b'),
    whatItIs: 'a gzip archive',
    advice: 'Unpack it (gunzip, or tar -xzf) and give the .onnx file inside.',
  },
  {
    matches: text('\x93NUMPY'),
    whatItIs: 'a NumPy array',
    advice: 'Give it as --data, and a .onnx file as the model.',
  },
  {
    matches: (head) => /^\s*<(?:!doctype )?html/i.test(latin1(head)),
    whatItIs: 'a web page, probably the error page of a failed download',
    advice: 'Download the model again.',
  },
  {
    matches: isText,
    whatItIs: 'a text file',
    advice: 'Give the model file itself; its name usually ends in .onnx.',
  },
];

/** Returns the error that says what a file is, undefined when it may be ONNX. */
export function foreignFormat(path: string, head: Uint8Array, sizeBytes: number): UserError | undefined {
  if (sizeBytes === 0) {
    return notOnnx(path, 'empty', 'The export or the download failed; do it again.');
  }
  const format = formats.find(({ matches }) => matches(head, sizeBytes));
  return format === undefined ? undefined : notOnnx(path, format.whatItIs, format.advice);
}

function text(start: string): ForeignFormat['matches'] {
  return (head) => startsWith(head, start);
}

function startsWith(head: Uint8Array, start: string): boolean {
  return latin1(head.subarray(0, start.length)) === start;
}

function contains(head: Uint8Array, part: string): boolean {
  return latin1(head).includes(part);
}

function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1');
}

/** The header's length in 8 bytes, then the header as JSON. */
function isSafetensors(head: Uint8Array, sizeBytes: number): boolean {
  if (head.length < 10 || !startsWith(head.subarray(8), '{"')) return false;
  const length = new DataView(head.buffer, head.byteOffset).getBigUint64(0, true);
  return length > 0n && length <= BigInt(sizeBytes);
}

/** An ONNX file begins with its IR version, whose tag is the control character 8: no text has that. */
function isText(head: Uint8Array): boolean {
  return head.every((byte) => byte >= 0x20 || byte === 0x09 || byte === 0x0a || byte === 0x0d);
}
