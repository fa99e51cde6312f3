// The newest frame of each topic. Only those in sight are fetched, one after the other, each
// again when the one before is there.
import { lastChange } from "./changes.js";
import { colour, el, keyed, say } from "./dom.js";
import { ago, bytes, frames, plain } from "./format.js";

const list = document.getElementById("pictures");
const calm = matchMedia("(prefers-reduced-motion: reduce)");
const pace = () => (calm.matches ? 5000 : 500); // ms between looks

const cards = new Map(); // by element
const seen = new IntersectionObserver((changes) => {
  for (const c of changes) if (cards.has(c.target)) cards.get(c.target).inSight = c.isIntersecting;
});

class Card {
  constructor(topic) {
    this.index = topic.index;
    this.inSight = false;
    this.have = ""; // name of the frame that is shown
    this.picture = el("img", { alt: "", hidden: "" });
    this.words = el("pre", { tabindex: "0", hidden: "", role: "region" });
    this.note = el("p", { class: "note", hidden: "" });
    this.link = el("a", { class: "frame", href: `/topics/${this.index}/latest`, target: "_blank", rel: "noopener", hidden: "" }, this.picture);
    this.name = el("h3");
    this.about = el("p", { class: "about" });
    this.changed = el("p", { class: "changed", hidden: "" });
    this.element = el("li", {}, el("div", { class: "screen" }, this.link, this.words, this.note),
      el("div", { class: "caption" }, this.name, this.about, this.changed));
    cards.set(this.element, this);
    seen.observe(this.element);
  }

  update(t) {
    const f = t.newest;
    this.element.className = colour(t.index);
    say(this.name, t.name + (t.ended ? " (ended)" : ""));
    const parts = [frames(t.frame_rate)];
    if (f) {
      const m = f.meta;
      if (m.width) parts.push(`${m.width}×${m.height}${m.format ? ` ${plain(m.format)}` : ""}`);
      if (m.shape) parts.push(`${m.shape.join("×")}${m.format && !m.width ? ` ${plain(m.format)}` : ""}`);
      if (m.content_type) parts.push(plain(m.content_type));
      parts.push(bytes(f.size_bytes), `${ago(f.age_seconds)} old`);
      if (f.source) parts.push(`by ${f.source}`);
    } else {
      parts.push(t.published ? "its frames are overwritten" : "no frame yet");
    }
    say(this.about, parts.join(" · "));
    say(this.changed, lastChange(t.name));
    this.changed.hidden = this.changed.textContent === "";
    this.picture.alt = `The latest frame of ${t.name}`;
    this.words.setAttribute("aria-label", `First bytes of the latest frame of ${t.name}`);
    this.newest = f ? `${f.sequence}-${f.offset}` : "";
    this.flows = t.frame_rate > 0;
  }

  get stale() {
    return this.inSight && this.newest !== "" && (this.flows || this.newest !== this.have);
  }

  async refresh() {
    const answer = await fetch(`/topics/${this.index}/latest?have=${encodeURIComponent(this.have)}`);
    if (answer.status === 204) return;
    if (!answer.ok) {
      if (this.have === "") this.tell({ note: (await answer.text()).trim(), hex: "" });
      return;
    }
    if ((answer.headers.get("Content-Type") ?? "").startsWith("application/json")) this.tell(await answer.json());
    else await this.show(await answer.blob());
    this.have = answer.headers.get("Framebuffer-Frame") ?? "";
  }

  async show(blob) {
    const old = this.picture.src;
    this.picture.src = URL.createObjectURL(blob);
    if (old) URL.revokeObjectURL(old);
    try {
      await this.picture.decode();
    } catch {
      this.tell({ note: "the browser cannot show this picture", hex: "" });
      return;
    }
    this.picture.hidden = this.link.hidden = false;
    this.words.hidden = this.note.hidden = true;
  }

  tell({ note, hex }) {
    say(this.note, note);
    say(this.words, hex);
    this.note.hidden = note === "";
    this.words.hidden = hex === "";
    this.picture.hidden = this.link.hidden = true;
  }

  forget() {
    seen.unobserve(this.element);
    cards.delete(this.element);
    if (this.picture.src) URL.revokeObjectURL(this.picture.src);
  }
}

export function drawPictures({ snapshot: s }) {
  document.getElementById("no-topics").hidden = s.topics.length > 0;
  keyed(list, s.topics, (t) => t.index, (t) => new Card(t).element, (e, t) => cards.get(e).update(t));
  for (const card of [...cards.values()]) if (!card.element.isConnected) card.forget();
}

/** Fetches pictures for ever, while running() says so. */
export async function keepPictures(running) {
  for (;;) {
    for (const card of [...cards.values()]) {
      if (!running() || document.hidden) break;
      if (!card.stale) continue;
      try {
        await card.refresh();
      } catch {
        break; // no connection: who feeds the page says so
      }
    }
    await new Promise((done) => setTimeout(done, pace()));
  }
}
