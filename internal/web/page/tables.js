// The tables of topics and clients. On a phone each row becomes a block, so roles are spelled
// out: a table that is laid out otherwise is none for some readers.
import { colour, el, keyed, say } from "./dom.js";
import { ago, bytes, count, frames, percent, rate, seconds } from "./format.js";

/** Columns are [heading, text of an item, class]. */
function table(id, columns, empty) {
  const root = document.getElementById(id);
  const head = el("thead", { role: "rowgroup" }, el("tr", { role: "row" },
    ...columns.map(([heading, , name]) => el("th", { role: "columnheader", scope: "col", class: name }, heading))));
  const body = el("tbody", { role: "rowgroup" });
  const none = el("p", { class: "none" }, empty);
  root.append(head, body);
  root.after(none);
  return (items, key, decorate) => {
    none.hidden = items.length > 0;
    root.hidden = items.length === 0;
    keyed(body, items, key,
      () => el("tr", { role: "row" }, ...columns.map(([heading, , name], i) => (i === 0
        ? el("th", { role: "rowheader", scope: "row" }, el("i", { class: "mark", "aria-hidden": "true" }), el("span"))
        : el("td", { role: "cell", "data-label": heading, class: name }, el("span"))))),
      (row, item) => {
        columns.forEach(([, text], i) => say(row.children[i].lastElementChild, text(item)));
        decorate(row, item);
      });
  };
}

const readers = (t) => [
  ...t.subscribers.map((s) => `${s.name} (pid ${s.pid}): ${count(s.lag)} behind, ${count(s.lost)} lost`),
  ...t.groups.map((g) => `group ${g.name}: ${count(g.lag)} behind`),
].join("\n") || "nobody";

const showTopics = table("topics", [
  ["Topic", (t) => t.name + (t.ended ? " (ended)" : "")],
  ["Frames/s", (t) => frames(t.frame_rate), "number"],
  ["Data", (t) => rate(t.byte_rate), "number"],
  ["Frames", (t) => count(t.published), "number"],
  ["Last frame", (t) => (t.newest ? `${ago(t.newest.age_seconds)} ago` : "gone"), "number"],
  ["Readers", readers, "readers"],
], "No topics.");

const showClients = table("clients", [
  ["Client", (c) => `${c.name || "without a name"} (pid ${c.pid})`],
  ["Role", (c) => c.role],
  ["Process", (c) => c.process],
  ["Last seen", (c) => (c.last_seen_seconds === null ? "–" : `${seconds(c.last_seen_seconds)} ago`), "number"],
  ["Writes", (c) => `${rate(c.rates.written_bytes)}`, "number"],
  ["Reads", (c) => `${rate(c.rates.read_bytes)}`, "number"],
  ["Frames written", (c) => count(c.counts.writes), "number"],
  ["Frames read", (c) => count(c.counts.reads), "number"],
  ["Timeouts", (c) => count(c.counts.reused) + (c.counts.altered ? `, ${count(c.counts.altered)} altered` : ""), "number timeouts"],
  ["Behind", (c) => (c.last === "0" ? "–" : `${bytes(c.lag_bytes)}, ${percent(c.lag_bytes, c.capacity)}`), "number"],
], "No clients.");

export function drawTables({ snapshot: s }) {
  showTopics(s.topics, (t) => t.index, (row, t) => {
    row.querySelector(".mark").className = `mark ${colour(t.index)}`;
    row.classList.toggle("bad", t.subscribers.some((r) => r.lost > 0));
  });
  showClients(s.clients.map((c) => ({ ...c, capacity: s.capacity_bytes })), (c) => `${c.slot} ${c.pid}`, (row, c) => {
    row.querySelector(".mark").hidden = true;
    row.classList.toggle("gone", c.process === "gone");
    row.classList.toggle("bad", c.rates.timeouts > 0);
  });
}
