// The frames of a sample as the models saw them, or its video; and the second that is shown.
import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import { clock, useClock } from "./clock";
import { load, type Loaded } from "./data";
import { STATES, seconds } from "./text";

/** The position of the turn at a time, counted from the first turn. */
export function turnAt(starts: number[], time_s: number): number {
  let low = 0;
  let high = starts.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (starts[middle]! <= time_s + 1e-6) low = middle + 1;
    else high = middle;
  }
  return Math.max(0, low - 1);
}

export function Player({ loaded, served }: { loaded: Loaded; served: boolean }) {
  const { sample, video } = loaded;
  const { starts, states, frames } = sample.turns;
  const [jpegs, setJpegs] = useState<string[] | null>(null);
  const [original, setOriginal] = useState(false);
  const element = useRef<HTMLVideoElement>(null);
  const canPlay = served && Boolean(video.plays);
  useEffect(() => {
    let wanted = true;
    setJpegs(null);
    if (video.frames)
      load<string[]>(`frames/${video.frames}`)
        .then((found) => wanted && setJpegs(found))
        .catch(() => wanted && setJpegs([]));
    else setJpegs([]);
    return () => {
      wanted = false;
    };
  }, [video.frames]);
  useEffect(() => {
    clock.follow(original && canPlay ? element.current : null, sample.clip_start_s);
    return () => clock.follow(null, 0);
  }, [original, canPlay, sample]);
  const turn = useClock(useCallback((time_s: number) => turnAt(starts, time_s), [starts]));
  const playing = useClock(useCallback((_: number, playing: boolean) => playing, []));
  const tenth = useClock(useCallback((time_s: number) => Math.floor(time_s * 10) / 10, []));
  const state = STATES[states[turn] ?? "."]!;
  const jpeg = jpegs?.[sample.turns.first + turn];
  const size = sample.width && sample.height ? { aspectRatio: `${sample.width} / ${sample.height}` } : {};
  return (
    <div class="player">
      <div class={`screen ${state}`} style={size}>
        {original && canPlay ? (
          <video ref={element} src={`video/${video.frames}`} muted playsInline preload="auto" />
        ) : jpeg ? (
          <img src={`data:image/jpeg;base64,${jpeg}`} alt={`Frame of turn ${sample.turns.first + turn}`} />
        ) : (
          <p class="plain">
            {jpegs === null ? "Loading frames." : "The frames of this video are not in this report: give --frames, or --serve."}
          </p>
        )}
        <span class={`state ${state}`}>{state}</span>
      </div>
      <div class="controls">
        <button type="button" onClick={() => clock.toggle()} aria-label={playing ? "Pause" : "Play"}>
          {playing ? "❚❚" : "▶"}
        </button>
        <input
          type="range"
          min="0"
          max={clock.end_s}
          step="any"
          value={tenth}
          aria-label="Second"
          aria-valuetext={`${seconds(tenth)}, ${state}`}
          onInput={(event) => clock.seek(Number(event.currentTarget.value))}
        />
        <span class="time">
          {tenth.toFixed(1)} / {seconds(sample.duration_s)}
        </span>
        {canPlay && (
          <button type="button" class="quiet" aria-pressed={original} onClick={() => setOriginal(!original)}>
            {original ? "show frames" : "play video"}
          </button>
        )}
      </div>
      <p class="pale small">
        turn {sample.turns.first + turn}, frame of {seconds(frames[turn] ?? 0)}
      </p>
    </div>
  );
}
