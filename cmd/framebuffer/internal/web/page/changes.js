// What the frames of each topic are, and when that changed while the page is open. Each update is
// looked at, also while the page is paused: a user who resumes the page sees what changed meanwhile.
import { plain, seconds } from "./format.js";

const most = 4096; // topics that are remembered, also those of servers that have ended
const known = new Map(); // by topic: {now, before, at, times}

/** What a frame says it is: 640×480 rgb24 video/raw. */
export function kind(m) {
  const parts = [];
  if (m.width || m.height) parts.push(`${m.width ?? 0}×${m.height ?? 0}`);
  if (m.shape) parts.push(m.shape.join("×"));
  if (m.format) parts.push(plain(m.format));
  if (m.content_type) parts.push(plain(m.content_type));
  return parts.join(" ") || "frames without metadata";
}

/** Looks at the newest frames. A topic whose frames are all overwritten stays what it was. */
export function noteChanges({ topics }) {
  for (const { name, newest } of topics) {
    if (!newest) continue;
    const now = kind(newest.meta);
    const was = known.get(name);
    if (was?.now === now) continue;
    known.delete(name); // so that the map's first is the one that changed longest ago
    known.set(name, was ? { now, before: was.now, at: performance.now(), times: was.times + 1 } : { now, times: 0 });
    if (known.size > most) known.delete(known.keys().next().value);
  }
}

/** The last change of a topic, in words; "" if there was none. */
export function lastChange(name) {
  const k = known.get(name);
  if (!k?.times) return "";
  const ago = `${seconds((performance.now() - k.at) / 1000)} ago`;
  return `changed ${k.times > 1 ? `${k.times} times, last ` : ""}${ago}: ${k.before} → ${k.now}`;
}
