// The one source of time: a video that plays, or a clock of its own; everything else follows.
import { useEffect, useState } from "preact/hooks";

type Listener = (time_s: number, playing: boolean) => void;

export class Clock {
  time_s = 0;
  end_s = 0;
  playing = false;
  private listeners = new Set<Listener>();
  private video: HTMLVideoElement | null = null;
  private offset_s = 0;
  private before_ms = 0;

  /** A new sample, whose time ends at `end_s`. */
  reset(end_s: number, time_s: number): void {
    this.playing = false;
    this.end_s = end_s;
    this.seek(time_s);
  }

  listen(listener: Listener): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  seek(time_s: number): void {
    this.time_s = Math.min(Math.max(0, time_s), Math.max(0, this.end_s - 0.001));
    if (this.video) this.video.currentTime = this.time_s + this.offset_s;
    this.say();
  }

  toggle(): void {
    if (this.playing) this.stop();
    else this.start();
  }

  stop(): void {
    this.playing = false;
    this.video?.pause();
    this.say();
  }

  /** Give time to a video, whose second `offset_s` is second 0 here; null takes it back. */
  follow(video: HTMLVideoElement | null, offset_s: number): void {
    if (this.video && this.video !== video) this.video.pause();
    this.video = video;
    this.offset_s = offset_s;
    if (!video) return;
    video.currentTime = this.time_s + offset_s;
    if (this.playing) void video.play();
    const shown = (_: number, frame: { mediaTime: number }): void => {
      if (this.video !== video) return;
      // A video that is paused shows a frame, too, when it has been sought.
      if (this.playing) this.reach(frame.mediaTime - offset_s);
      video.requestVideoFrameCallback(shown);
    };
    video.requestVideoFrameCallback(shown);
  }

  private start(): void {
    if (this.time_s >= this.end_s - 0.05) this.seek(0);
    this.playing = true;
    this.before_ms = performance.now();
    if (this.video) void this.video.play().catch(() => this.stop());
    else requestAnimationFrame((now_ms) => this.tick(now_ms));
    this.say();
  }

  private tick(now_ms: number): void {
    if (!this.playing || this.video) return;
    this.reach(this.time_s + Math.max(0, now_ms - this.before_ms) / 1000);
    this.before_ms = now_ms;
    if (this.playing) requestAnimationFrame((next_ms) => this.tick(next_ms));
  }

  private reach(time_s: number): void {
    this.time_s = Math.max(0, time_s);
    if (time_s >= this.end_s) {
      this.time_s = Math.max(0, this.end_s - 0.001);
      this.stop();
      return;
    }
    this.say();
  }

  private say(): void {
    for (const listener of this.listeners) listener(this.time_s, this.playing);
  }
}

export const clock = new Clock();

/** What a function makes of the time; the component is drawn again when that changes. */
export function useClock<T>(of: (time_s: number, playing: boolean) => T): T {
  const [value, set] = useState(() => of(clock.time_s, clock.playing));
  useEffect(() => {
    const look: Listener = (time_s, playing) => set(() => of(time_s, playing));
    look(clock.time_s, clock.playing);
    return clock.listen(look);
  }, [of]);
  return value;
}
