// How values are written.

const whole = new Intl.NumberFormat("en");

export const count = (number: number): string => whole.format(number);
export const percent = (part: number, of: number): string =>
  of ? `${((100 * part) / of).toFixed(1)}%` : "n/a";
export const seconds = (time_s: number): string =>
  `${Number(time_s.toFixed(2)).toString()} s`;
export const signed = (time_s: number): string => {
  const digits = Math.abs(time_s).toFixed(2);
  return `${time_s < 0 && Number(digits) ? "−" : "+"}${digits} s`;
};
export const plural = (number: number, one: string, many = `${one}s`): string =>
  `${count(number)} ${number === 1 ? one : many}`;

/** A length of time in few characters. */
export function lasting(time_s: number): string {
  if (time_s < 100) return `${Number(time_s.toFixed(1))} s`;
  if (time_s < 6000) return `${Math.round(time_s / 60)} min`;
  return `${(time_s / 3600).toFixed(1)} h`;
}

/** A number from 1 to 8 for the colour of a task: the paper's tasks have theirs. */
export function tint(task: string): number {
  const known = ["narration", "event_caption", "action_caption", "event_grounding", "tsqa", "offline_qa"];
  const place = known.indexOf(task);
  return place >= 0 ? place + 1 : 7 + (task.length % 2);
}

export const STATES: Record<string, string> = { ".": "silence", "-": "standby", "#": "response" };
