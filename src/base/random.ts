/** A seeded source of random numbers; equal seeds give equal sequences on every platform. */
export interface Random {
  /** Returns a double in [0, 1) with 53 random bits. */
  next(): number;
  /** Returns an integer in [0, bound). */
  integer(bound: number): number;
  /** Returns a draw from the standard normal distribution. */
  normal(): number;
  /** Returns 0 … count − 1 in random order (Fisher–Yates). */
  permutation(count: number): Uint32Array;
  /** Returns what `restoreRandom` needs to go on from here. */
  state(): RandomState;
}

/** Where a generator stands. */
export interface RandomState {
  /** Four 32-bit words. */
  readonly words: readonly number[];
  /** A normal number that was drawn with the last one and not handed out yet. */
  readonly spareNormal?: number;
}

/**
 * Creates a generator from a 32-bit seed.
 *
 * Source: Blackman & Vigna (2018), "Scrambled linear pseudorandom number generators" (xoshiro128**), state filled by
 * splitmix32.
 */
export function createRandom(seed: number): Random {
  return new Xoshiro128(wordsOf(seed));
}

/** Creates a generator that goes on where another one stood. */
export function restoreRandom({ words, spareNormal }: RandomState): Random {
  return new Xoshiro128(Uint32Array.from(words), spareNormal);
}

function wordsOf(seed: number): Uint32Array {
  const words = new Uint32Array(4);
  let z = seed >>> 0;
  for (let i = 0; i < 4; i++) {
    z = (z + 0x9e3779b9) >>> 0;
    let t = z ^ (z >>> 16);
    t = Math.imul(t, 0x21f0aaad);
    t ^= t >>> 15;
    t = Math.imul(t, 0x735a2d97);
    words[i] = t ^ (t >>> 15);
  }
  return words;
}

class Xoshiro128 implements Random {
  private readonly words: Uint32Array;
  private spareNormal: number | undefined;

  constructor(words: Uint32Array, spareNormal?: number) {
    this.words = words;
    this.spareNormal = spareNormal;
  }

  state(): RandomState {
    const spare = this.spareNormal;
    return { words: [...this.words], ...(spare === undefined ? {} : { spareNormal: spare }) };
  }

  next(): number {
    // 53 bits from two draws: 27 high, 26 low.
    return ((this.nextUint32() >>> 5) * 67108864 + (this.nextUint32() >>> 6)) / 9007199254740992;
  }

  integer(bound: number): number {
    return Math.floor(this.next() * bound);
  }

  normal(): number {
    const spare = this.spareNormal;
    if (spare !== undefined) {
      this.spareNormal = undefined;
      return spare;
    }
    // Box–Muller; 1 − u keeps the logarithm finite.
    const radius = Math.sqrt(-2 * Math.log(1 - this.next()));
    const angle = 2 * Math.PI * this.next();
    this.spareNormal = radius * Math.sin(angle);
    return radius * Math.cos(angle);
  }

  permutation(count: number): Uint32Array {
    const order = new Uint32Array(count);
    for (let i = 0; i < count; i++) {
      const j = this.integer(i + 1);
      order[i] = order[j] ?? 0;
      order[j] = i;
    }
    return order;
  }

  private nextUint32(): number {
    const [s0 = 0, s1 = 0, s2 = 0, s3 = 0] = this.words;
    const scaled = Math.imul(s1, 5);
    const result = Math.imul((scaled << 7) | (scaled >>> 25), 9) >>> 0;
    const t2 = s2 ^ s0;
    const t3 = s3 ^ s1;
    this.words[0] = s0 ^ t3;
    this.words[1] = s1 ^ t2;
    this.words[2] = t2 ^ (s1 << 9);
    this.words[3] = (t3 << 11) | (t3 >>> 21);
    return result;
  }
}
