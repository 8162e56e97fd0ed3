import type { SoundSpan } from '../../../src/protocol/soundShape.js';

/**
 * Plays a sound or pieces of it. The bytes are decoded when it is first played; nothing is loaded from elsewhere: a data URI
 * is taken apart here, because the page's policy lets it be shown but not fetched.
 */
export class SoundPlayer {
  private readonly source: string;
  private readonly ended: () => void;
  private context: AudioContext | undefined;
  private buffer: AudioBuffer | undefined;
  private playing: AudioBufferSourceNode[] = [];

  /** `ended` is called when the last piece has been played, or playing was stopped. */
  constructor(source: string, ended: () => void) {
    this.source = source;
    this.ended = ended;
  }

  /**
   * Plays pieces one after the other; without any, all of it. Rejects when the sound cannot be decoded.
   */
  async play(spans: readonly SoundSpan[] = []): Promise<void> {
    this.stop();
    this.context ??= new AudioContext();
    await this.context.resume();
    this.buffer ??= await this.context.decodeAudioData(await bytesOf(this.source));
    const { context, buffer } = this;
    const pieces = spans.length === 0 ? [{ fromSeconds: 0, toSeconds: buffer.duration }] : spans;
    let at = context.currentTime;
    for (const { fromSeconds, toSeconds } of pieces) {
      const node = new AudioBufferSourceNode(context, { buffer });
      node.connect(context.destination);
      node.start(at, fromSeconds, toSeconds - fromSeconds);
      at += toSeconds - fromSeconds;
      this.playing.push(node);
    }
    const last = this.playing.at(-1);
    if (last !== undefined) {
      last.onended = () => {
        this.playing = [];
        this.ended();
      };
    }
  }

  /** Stops what is played. */
  stop(): void {
    for (const node of this.playing) {
      node.onended = null;
      node.stop();
    }
    const wasPlaying = this.playing.length > 0;
    this.playing = [];
    if (wasPlaying) this.ended();
  }

  /** Lets go of the device. */
  close(): void {
    this.stop();
    void this.context?.close();
    this.context = undefined;
    this.buffer = undefined;
  }
}

async function bytesOf(source: string): Promise<ArrayBuffer> {
  if (!source.startsWith('data:')) return (await fetch(source)).arrayBuffer();
  const text = atob(source.slice(source.indexOf(',') + 1));
  return Uint8Array.from(text, (character) => character.charCodeAt(0)).buffer;
}
