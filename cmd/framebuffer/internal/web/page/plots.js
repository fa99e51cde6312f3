// Throughput and horizon over the last 90 seconds, drawn by uPlot.
import { el, say } from "./dom.js";
import { bytes, rate, seconds } from "./format.js";

const length = 90; // seconds shown
const css = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

class Plot {
  /** lines: [{label, colour, dash}]; write turns a value into text, axis one of the scale. */
  constructor(id, title, lines, write, axis) {
    this.box = document.getElementById(id);
    this.title = title;
    this.lines = lines;
    this.write = write;
    this.values = lines.map((line) => el("b"));
    document.getElementById(`${id}-legend`).append(el("span", { class: "title" }, title), ...lines.map((line, i) =>
      el("span", {}, el("i", { class: `mark mark-line ${line.dash ? "dashed" : ""} ${line.name}`, "aria-hidden": "true" }), `${line.label} `, this.values[i])));
    const grid = { stroke: () => css("--line"), width: 1 };
    const scale = { stroke: () => css("--muted"), grid, ticks: { show: false }, font: "12px system-ui, sans-serif" };
    this.plot = new uPlot({
      width: this.box.clientWidth || 300, height: 150,
      legend: { show: false },
      cursor: { y: false, drag: { x: false, y: false }, points: { size: 6 } },
      scales: { x: { time: false, range: [-length, 0] }, y: { range: (u, low, high) => [0, high > 0 ? high * 1.1 : 1] } },
      axes: [
        { ...scale, size: 26, values: (u, all) => all.map((v) => (v === 0 ? "now" : `${v} s`)) },
        { ...scale, size: 64, values: (u, all) => all.map((v) => axis(v)) },
      ],
      series: [{}, ...lines.map((line) => ({
        label: line.label, stroke: () => css(`--${line.name}`), width: 2, dash: line.dash, points: { show: false },
        fill: line.fill ? () => css(`--${line.name}-fill`) : undefined,
      }))],
      hooks: { setCursor: [() => this.label()] },
    }, [[], ...lines.map(() => [])], this.box);
    new ResizeObserver(() => this.plot.setSize({ width: this.box.clientWidth, height: 150 })).observe(this.box);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.plot.redraw(false));
  }

  show(columns, unknown) {
    this.unknown = unknown;
    this.plot.setData(columns);
    this.label();
  }

  /** Says what the lines are at the cursor, or now. */
  label() {
    const at = this.plot.cursor.idx ?? this.plot.data[0].length - 1;
    this.values.forEach((e, i) => say(e, this.write(this.plot.data[i + 1][at], this.unknown)));
    this.box.setAttribute("aria-label", `${this.title} over the last ${length} seconds. ` +
      this.lines.map((line, i) => `${line.label} ${this.values[i].textContent}`).join(", "));
  }
}

let throughput, horizon;

export function drawPlots({ snapshot, plot }) {
  throughput ??= new Plot("throughput", "Throughput",
    [{ label: "written", name: "written", fill: true }, { label: "read", name: "read", dash: [6, 4] }],
    (v) => (v === undefined ? "–" : rate(v)), (v) => (v === 0 ? "0" : `${bytes(v)}/s`));
  horizon ??= new Plot("horizon", "Horizon",
    [{ label: "now", name: "now", fill: true }, { label: "worst in a minute", name: "worst", dash: [6, 4] }],
    seconds, (v) => (v === 0 ? "0" : seconds(v)));
  throughput.show([plot.ago, plot.written ?? [], plot.read ?? []]);
  horizon.show([plot.ago, plot.now ?? [], plot.worst ?? []], snapshot.window_seconds ? "∞" : "–");
}
