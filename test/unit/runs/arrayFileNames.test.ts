import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { arrayFileNames } from '../../../src/runs/arrayFileNames.js';

function hash8(name: string): string {
  return createHash('sha256').update(name).digest('hex').slice(0, 8);
}

function fileOf(name: string, others: readonly string[] = []): string | undefined {
  return arrayFileNames([name, ...others]).get(name);
}

describe('names of array files', () => {
  it('keeps letters, digits, dot, underscore and dash', () => {
    assert.equal(fileOf('features.3.conv_1-a.maximum'), 'features.3.conv_1-a.maximum.npy');
  });

  it('encodes everything else byte by byte in UTF-8', () => {
    assert.equal(fileOf('a/b c~d%'), 'a%2Fb%20c%7Ed%25.npy');
    assert.equal(fileOf('é€😀'), '%C3%A9%E2%82%AC%F0%9F%98%80.npy');
    assert.equal(fileOf('../../etc/passwd'), '..%2F..%2Fetc%2Fpasswd.npy');
  });

  it('tells names apart that differ in case only', () => {
    const files = arrayFileNames(['Relu.mean', 'relu.mean', 'other']);
    assert.equal(files.get('Relu.mean'), `Relu.mean~${hash8('Relu.mean')}.npy`);
    assert.equal(files.get('relu.mean'), `relu.mean~${hash8('relu.mean')}.npy`);
    assert.equal(files.get('other'), 'other.npy');
  });

  it('avoids the names that Windows reserves, with and without an extension', () => {
    // Windows looks at what stands before the first dot.
    assert.equal(fileOf('con'), `con~${hash8('con')}.npy`);
    assert.equal(fileOf('Aux.weight'), `Aux~${hash8('Aux.weight')}.weight.npy`);
    assert.equal(fileOf('lpt1.mean'), `lpt1~${hash8('lpt1.mean')}.mean.npy`);
    assert.equal(fileOf('conv.mean'), 'conv.mean.npy');
    assert.equal(fileOf('com10'), 'com10.npy');
  });

  it('cuts names over 150 bytes, never inside an escape', () => {
    assert.equal(fileOf('x'.repeat(150)), `${'x'.repeat(150)}.npy`);
    const long = 'x'.repeat(151);
    assert.equal(fileOf(long), `${'x'.repeat(141)}~${hash8(long)}.npy`);
    const escaped = `${'x'.repeat(140)}${'/'.repeat(20)}`;
    assert.equal(fileOf(escaped), `${'x'.repeat(140)}~${hash8(escaped)}.npy`);
  });

  it('gives distinct files on a file system that ignores case', () => {
    const names = [
      'a',
      'A',
      'a~',
      'a%',
      'con',
      'CON',
      `${'y'.repeat(200)}1`,
      `${'y'.repeat(200)}2`,
      'a/b',
      'a%2Fb',
    ];
    const files = [...arrayFileNames(names).values()].map((file) => file.toLowerCase());
    assert.equal(new Set(files).size, names.length);
  });
});
