// The tables of topics and clients, sorted by the column whose heading was pressed. On a phone
// each row becomes a block and the headings a row of buttons, so roles are spelled out: a table
// that is laid out otherwise is none for some readers.
import { colour, el, keyed, say } from "./dom.js";
import { ago, bytes, count, frames, percent, rate, seconds } from "./format.js";

const words = new Intl.Collator("en", { numeric: true });

/** Compares what columns are sorted by, words or numbers; what is not known (null) comes last either way. */
function compare(a, b, direction) {
  if (a === null || b === null) return (a === null) - (b === null);
  return direction * (typeof a === "number" ? a - b : words.compare(a, b));
}

/**
 * Columns are {heading, text, by, name}: what stands there for an item, what it is sorted by
 * (the text, if there is nothing else), and a class. Words begin with A, numbers with the most.
 */
class Table {
  constructor(id, columns, empty, key, decorate) {
    Object.assign(this, { columns, key, decorate, items: [], order: null });
    this.root = document.getElementById(id);
    this.headings = columns.map((c) => {
      const button = el("button", { type: "button" }, c.heading, el("i", { class: "arrow", "aria-hidden": "true" }));
      button.addEventListener("click", () => this.sort(c));
      return el("th", { role: "columnheader", scope: "col", class: c.name }, button);
    });
    this.body = el("tbody", { role: "rowgroup" });
    this.none = el("p", { class: "none" }, empty);
    this.root.append(el("thead", { role: "rowgroup" }, el("tr", { role: "row" }, ...this.headings)), this.body);
    this.root.after(this.none);
  }

  /** By a column; by the same one again, the other way round. */
  sort(column) {
    const first = column.name?.startsWith("number") || column.falling ? -1 : 1;
    this.order = { column, direction: this.order?.column === column ? -this.order.direction : first };
    this.columns.forEach((c, i) => {
      if (c !== column) this.headings[i].removeAttribute("aria-sort");
      else this.headings[i].setAttribute("aria-sort", this.order.direction > 0 ? "ascending" : "descending");
    });
    this.draw();
  }

  show(items) {
    this.items = items;
    this.draw();
  }

  /** Rows that are alike stay in the order they came in. */
  sorted() {
    if (!this.order) return this.items;
    const { column, direction } = this.order;
    const by = column.by ?? column.text;
    return this.items.map((item) => [by(item), item]).sort((a, b) => compare(a[0], b[0], direction)).map(([, item]) => item);
  }

  draw() {
    this.none.hidden = this.items.length > 0;
    this.root.hidden = this.items.length === 0;
    keyed(this.body, this.sorted(), this.key, () => this.row(), (row, item) => {
      this.columns.forEach(({ text }, i) => say(row.children[i].lastElementChild, text(item)));
      this.decorate(row, item);
    });
  }

  row() {
    return el("tr", { role: "row" }, ...this.columns.map(({ heading, name }, i) => (i === 0
      ? el("th", { role: "rowheader", scope: "row" }, el("i", { class: "mark", "aria-hidden": "true" }), el("span"))
      : el("td", { role: "cell", "data-label": heading, class: name }, el("span")))));
  }
}

const readers = (t) => [
  ...t.subscribers.map((s) => `${s.name} (pid ${s.pid}): lag ${count(s.lag)}, ${count(s.lost)} lost`),
  ...t.groups.map((g) => `group ${g.name}: lag ${count(g.lag)}`),
].join("\n") || "none";

/** Topics with lost frames come first, then those with the most lag, then those without readers. */
function worst(t) {
  const lost = t.subscribers.reduce((sum, s) => sum + s.lost, 0);
  return lost > 0 ? 1e15 + lost : Math.max(-1, ...t.subscribers.map((s) => s.lag), ...t.groups.map((g) => g.lag));
}

const topics = new Table("topics", [
  { heading: "Topic", text: (t) => t.name + (t.ended ? " (ended)" : "") },
  { heading: "Frames/s", text: (t) => frames(t.frame_rate), by: (t) => t.frame_rate, name: "number" },
  { heading: "Data", text: (t) => rate(t.byte_rate), by: (t) => t.byte_rate, name: "number" },
  { heading: "Frames", text: (t) => count(t.published), by: (t) => t.published, name: "number" },
  { heading: "Last frame", text: (t) => (t.newest ? `${ago(t.newest.age_seconds)} ago` : "gone"), by: (t) => t.newest?.age_seconds ?? null, name: "number" },
  { heading: "Readers", text: readers, by: worst, name: "readers", falling: true },
], "No topics.", (t) => t.index, (row, t) => {
  row.querySelector(".mark").className = `mark ${colour(t.index)}`;
  row.classList.toggle("bad", t.subscribers.some((r) => r.lost > 0));
});

const clients = new Table("clients", [
  { heading: "Client", text: (c) => `${c.name || "without a name"} (pid ${c.pid})` },
  { heading: "Role", text: (c) => c.role },
  { heading: "Process", text: (c) => c.process },
  { heading: "Last seen", text: (c) => (c.last_seen_seconds === null ? "–" : `${seconds(c.last_seen_seconds)} ago`), by: (c) => c.last_seen_seconds, name: "number" },
  { heading: "Writes", text: (c) => rate(c.rates.written_bytes), by: (c) => c.rates.written_bytes, name: "number" },
  { heading: "Reads", text: (c) => rate(c.rates.read_bytes), by: (c) => c.rates.read_bytes, name: "number" },
  { heading: "Frames written", text: (c) => count(c.counts.writes), by: (c) => c.counts.writes, name: "number" },
  { heading: "Frames read", text: (c) => count(c.counts.reads) + (c.counts.remote_reads ? `, ${count(c.counts.remote_reads)} over NATS` : ""), by: (c) => c.counts.reads + c.counts.remote_reads, name: "number" },
  {
    heading: "Timeouts", text: (c) => count(c.counts.overwritten) + (c.counts.altered ? `, ${count(c.counts.altered)} altered` : ""),
    by: (c) => c.counts.overwritten + c.counts.altered, name: "number timeouts",
  },
  { heading: "Lag", text: (c) => (c.last === "0" ? "–" : `${bytes(c.lag_bytes)}, ${percent(c.lag_bytes, c.capacity)}`), by: (c) => (c.last === "0" ? null : c.lag_bytes), name: "number" },
], "No clients.", (c) => `${c.slot} ${c.pid}`, (row, c) => {
  row.querySelector(".mark").hidden = true;
  row.classList.toggle("gone", c.process === "gone");
  row.classList.toggle("bad", c.rates.timeouts > 0);
});

export function drawTables({ snapshot: s }) {
  topics.show(s.topics);
  clients.show(s.clients.map((c) => ({ ...c, capacity: s.capacity_bytes })));
}
