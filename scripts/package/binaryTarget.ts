import type { Target } from './targets.js';

const elf = Buffer.from([0x7f, 0x45, 0x4c, 0x46]);
const elfMachines: Readonly<Record<number, Target['arch']>> = { 0x3e: 'x64', 0xb7: 'arm64' };
const peMachines: Readonly<Record<number, Target['arch']>> = { 0x8664: 'x64', 0xaa64: 'arm64' };
const machOMachines: Readonly<Record<number, Target['arch']>> = { 0x01000007: 'x64', 0x0100000c: 'arm64' };

/** Returns for which platform a library was compiled, as `linux-x64`, read from its own header; undefined for anything else. */
export function binaryTarget(bytes: Buffer): string | undefined {
  if (bytes.length < 64) return undefined;
  if (bytes.subarray(0, 4).equals(elf)) return named('linux', elfMachines[bytes.readUInt16LE(18)]);
  if (bytes.toString('latin1', 0, 2) === 'MZ') {
    const header = bytes.readUInt32LE(0x3c);
    if (bytes.length < header + 6 || bytes.toString('latin1', header, header + 4) !== 'PE\0\0') {
      return undefined;
    }
    return named('win32', peMachines[bytes.readUInt16LE(header + 4)]);
  }
  if (bytes.readUInt32LE(0) === 0xfeedfacf) return named('darwin', machOMachines[bytes.readUInt32LE(4)]);
  return undefined;
}

function named(platform: Target['platform'], arch: Target['arch'] | undefined): string {
  return `${platform}-${arch ?? 'unknown'}`;
}
