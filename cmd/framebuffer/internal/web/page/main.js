// The page: it is fed by server-sent events, each with all that there is to show.
import { noteChanges } from "./changes.js";
import { el, keyed, say } from "./dom.js";
import { count, horizon, memory, rate, seconds, worst } from "./format.js";
import { drawPictures, keepPictures } from "./pictures.js";
import { drawPlots } from "./plots.js";
import { drawRing } from "./ring.js";
import { drawTables } from "./tables.js";

const state = document.getElementById("state");
const banner = document.getElementById("banner");
const pause = document.getElementById("pause");
const time = () => new Date().toLocaleTimeString("en-GB");

let connected = false;
let paused = false;

const words = {
  open: "running",
  closed: "stopped",
  gone: "killed",
  lost: "no connection",
};

function showState(name, explanation = "") {
  state.dataset.state = name;
  say(state, words[name]);
  document.title = name === "open" ? "framebuffer" : `${words[name]} – framebuffer`;
  say(banner, explanation);
  banner.hidden = explanation === "";
}

function figures(s) {
  const t = s.total;
  return [
    ["Written", rate(s.rates.written_bytes), `${count(t.writes)} frames`],
    ["Read", rate(s.rates.read_bytes), `${count(t.reads)} frames`],
    ["Horizon", horizon(s), `worst in a minute ${worst(s)}`],
    ["Oldest frame", seconds(s.horizon.oldest_seconds), "still there"],
    ["Held", memory(s.held_bytes), `of at most ${memory(s.hold_limit_bytes)}`],
    ["Timeouts", `${s.rates.timeouts.toFixed(1)}/s`, `${count(t.overwritten)} overwritten, ${count(t.altered)} altered`],
  ];
}

let shown = ""; // state of the segment that the banner speaks of
function drawState(s) {
  if (s.state !== shown || state.dataset.state !== s.state) {
    shown = s.state;
    showState(s.state, {
      open: "",
      closed: `The server has closed the ring. These are its last figures; no frame is written any more. (${time()})`,
      gone: `The server's process has died. Attached clients continue, and no client can attach. (${time()})`,
    }[s.state] ?? "");
  }
}

function draw(update) {
  const s = update.snapshot;
  say(document.getElementById("where"), `${s.backend} · ${memory(s.capacity_bytes)} of ${s.pages} pages · up ${seconds(s.age_seconds)} · ${s.path}`);
  keyed(document.getElementById("figures"), figures(s), ([name]) => name,
    () => el("div", {}, el("dt"), el("dd", { class: "value" }), el("dd", { class: "detail" })),
    (e, texts) => texts.forEach((text, i) => say(e.children[i], text)));
  drawPictures(update);
  drawRing(update);
  drawPlots(update);
  drawTables(update);
}

let newest = null; // came while paused
function receive(event) {
  connected = true;
  newest = JSON.parse(event.data);
  noteChanges(newest.snapshot);
  drawState(newest.snapshot);
  if (!paused) draw(newest);
}

function lose(explanation) {
  if (connected || state.dataset.state === "waiting") showState("lost", explanation);
  connected = false;
}

// A browser tries again by itself, unless the server answers with an error.
function connect() {
  const source = new EventSource("/events");
  source.addEventListener("update", receive);
  source.addEventListener("end", () => lose(`The server that this page comes from ended at ${time()}. The figures are of then.`));
  source.addEventListener("error", () => {
    lose(`Nothing has come from the server since ${time()}: it has ended, or cannot be reached. The figures are of then.`);
    if (source.readyState === EventSource.CLOSED) setTimeout(connect, 3000);
  });
}

function toggle() {
  paused = !paused;
  pause.setAttribute("aria-pressed", String(paused));
  say(pause, paused ? "Go on" : "Pause");
  if (!paused && newest) draw(newest);
}

pause.addEventListener("click", toggle);
document.addEventListener("keydown", (e) => {
  if (e.key === "p" && !e.ctrlKey && !e.metaKey && !e.altKey) toggle();
});
connect();
keepPictures(() => connected && !paused);
