// How figures are written, as the command's other views write them.

function scaled(value, step, units) {
  let i = 0;
  while (Math.abs(value) >= step && i < units.length - 1) {
    value /= step;
    i++;
  }
  const digits = i === 0 || Math.abs(value) >= 99.5 ? 0 : Math.abs(value) >= 9.95 ? 1 : 2;
  return `${value.toFixed(i === 0 && !Number.isInteger(value) ? 1 : digits)} ${units[i]}`;
}

/** Memory: 500 MiB. */
export const memory = (n) => scaled(n, 1024, ["B", "KiB", "MiB", "GiB", "TiB"]).replace(/\.0+ /, " ");

/** Data: 2.76 MB. */
export const bytes = (n) => scaled(n, 1000, ["B", "kB", "MB", "GB", "TB", "PB"]);

/** Data in a second. */
export const rate = (n) => `${bytes(Math.round(n))}/s`;

/** Frames in a second. */
export const frames = (n) => `${n < 9.95 ? n.toFixed(1) : n.toFixed(0)}/s`;

/** A number that only grows. */
export const count = (n) => n.toLocaleString("en-GB");

/** Text of others without characters that cannot be seen or turn the words around them. */
export const plain = (text) => text.replace(/[\p{C}\p{Zl}\p{Zp}]/gu, "?");

/** A time of any length; null is not known. */
export function seconds(v, unknown = "–") {
  if (v === null || v === undefined) return unknown;
  if (v < 0) return `-${seconds(-v)}`;
  if (v === 0) return "0 s";
  const short = (n) => (n < 9.95 ? n.toFixed(1) : n.toFixed(0));
  for (const [below, scale, unit] of [
    [999.5e-6, 1e6, "µs"], [999.5e-3, 1e3, "ms"], [119.5, 1, "s"], [119.5 * 60, 1 / 60, "min"], [47.5 * 3600, 1 / 3600, "h"],
  ]) {
    if (v < below) return `${short(v * scale)} ${unit}`;
  }
  return `${short(v / 86400)} d`;
}

/** How old something is. What came while the figures were read is from the future by a little. */
export const ago = (v) => seconds(v === null ? v : Math.max(v, 0));

/** A share: 37 %. */
export const percent = (part, of) => `${of > 0 ? Math.round((100 * part) / of) : 0} %`;

/** How long a frame written now lives: while nothing is written, for ever. */
export const horizon = (s) => seconds(s.horizon.now_seconds, s.window_seconds ? "∞" : "–");

export const worst = (s) => (s.horizon.now_seconds === null && s.horizon.worst_seconds === null ? horizon(s) : seconds(s.horizon.worst_seconds));
