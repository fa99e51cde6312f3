// The ring: which topic's frames lie where, what is held, and where the head is.
import { colour, el, keyed, say, svg } from "./dom.js";
import { memory, percent, seconds } from "./format.js";

const drawing = document.getElementById("ring-drawing");
const legend = document.getElementById("ring-legend");

/** A point at a share of the way round, clockwise from the top. */
function point(share, radius) {
  const angle = 2 * Math.PI * share;
  return `${(radius * Math.sin(angle)).toFixed(2)} ${(-radius * Math.cos(angle)).toFixed(2)}`;
}

function arc(from, to, radius, name) {
  const whole = to - from >= 0.9999;
  if (whole) to = from + 0.9999;
  const d = `M ${point(from, radius)} A ${radius} ${radius} 0 ${to - from > 0.5 ? 1 : 0} 1 ${point(to, radius)}`;
  return svg("path", { d, class: name });
}

/** Parts that follow each other with the same topic become one arc. */
function arcs(ring) {
  const all = [];
  for (let i = 0; i < ring.length; ) {
    let end = i + 1;
    while (end < ring.length && ring[end] === ring[i]) end++;
    if (ring[i] >= 0) all.push(arc(i / ring.length, end / ring.length, 80, `part ${colour(ring[i])}`));
    i = end;
  }
  return all;
}

export function drawRing({ snapshot: s, ring }) {
  const capacity = s.capacity_bytes;
  const head = s.place_bytes / capacity;
  const used = s.laps >= 1 ? arc(0, 1, 80, "used") : arc(placeOf(s.start_position, capacity), placeOf(s.start_position, capacity) + s.laps, 80, "used");
  const holds = s.holds.map((h) => arc(h.place_bytes / capacity, (h.place_bytes + h.length_bytes) / capacity, 102, "hold"));
  drawing.replaceChildren(
    svg("circle", { r: 80, class: "track" }), used, ...arcs(ring), ...holds,
    svg("path", { d: `M ${point(head, 60)} L ${point(head, 108)}`, class: "head" }),
    svg("path", { d: `M ${point(head, 112)} L ${point(head + 0.035, 104)} L ${point(head, 96)} Z`, class: "head-arrow" }),
    svg("text", { y: -12, class: "large" }, memory(capacity)),
    svg("text", { y: 10 }, `lap ${s.laps.toFixed(s.laps < 100 ? 1 : 0)}`),
    svg("text", { y: 28 }, `head at ${percent(head, 1)}`),
  );
  const shares = new Map();
  for (const topic of ring) shares.set(topic, (shares.get(topic) ?? 0) + 1);
  const entries = s.topics.filter((t) => shares.has(t.index)).map((t) => ({
    key: `topic ${t.index}`, mark: colour(t.index), text: `${t.name}, ${percent(shares.get(t.index), ring.length)}`,
  }));
  const rest = Math.max(Math.min(s.laps, 1) - (ring.length - (shares.get(-1) ?? 0)) / ring.length, 0);
  entries.push({ key: "used", mark: "mark-used", text: `other frames, ${percent(rest, 1)}` });
  if (s.laps < 1) entries.push({ key: "free", mark: "mark-free", text: `not written yet, ${percent(1 - s.laps, 1)}` });
  const until = s.holds.map((h) => h.left_seconds).filter((v) => v !== null);
  entries.push({
    key: "held", mark: "mark-held",
    text: s.holds.length === 0 ? "nothing held" :
      `${memory(s.held_bytes)} of at most ${memory(s.hold_limit_bytes)} held in ${s.holds.length} hold${s.holds.length === 1 ? "" : "s"}, ` +
      `until ${seconds(Math.max(0, ...until))} from now`,
  });
  entries.push({ key: "head", mark: "mark-head", text: "the head, where the next frame goes" });
  keyed(legend, entries, (e) => e.key,
    () => el("span", {}, el("i", { "aria-hidden": "true" }), el("span")),
    (e, { mark, text }) => {
      e.firstElementChild.className = `mark ${mark}`;
      say(e.lastElementChild, text);
    });
  drawing.setAttribute("aria-label", `Ring of ${memory(capacity)}. Head at ${percent(head, 1)}, lap ${s.laps.toFixed(1)}. ` +
    entries.slice(0, -1).map((e) => e.text).join("; "));
}

/** Positions are 64-bit numbers, as text. */
const placeOf = (position, capacity) => Number(BigInt(position) % BigInt(capacity)) / capacity;
