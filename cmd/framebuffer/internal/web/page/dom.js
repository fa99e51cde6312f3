// Elements. All text goes through textContent: names come from others and are never markup.

/** An element with attributes (undefined ones left out) and children, elements or text. */
export function el(tag, attributes = {}, ...children) {
  return fill(document.createElement(tag), attributes, children);
}

/** The same within a drawing. */
export function svg(tag, attributes = {}, ...children) {
  return fill(document.createElementNS("http://www.w3.org/2000/svg", tag), attributes, children);
}

function fill(e, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== undefined) e.setAttribute(name, value);
  }
  e.append(...children.map((c) => (c instanceof Node ? c : document.createTextNode(c))));
  return e;
}

/** Sets text, only if it changes, so that selections and readers are left in peace. */
export function say(e, text) {
  if (e.textContent !== text) e.textContent = text;
}

/**
 * Makes the children of a parent those of the items, in their order: keyed, so that each keeps
 * its element. make(item) makes one, update(element, item) brings it up to date.
 */
export function keyed(parent, items, key, make, update) {
  const old = new Map([...parent.children].map((e) => [e.dataset.key, e]));
  let at = parent.firstElementChild;
  for (const item of items) {
    const name = String(key(item));
    let e = old.get(name);
    old.delete(name);
    if (!e) {
      e = make(item);
      e.dataset.key = name;
    }
    if (e === at) at = at.nextElementSibling;
    else parent.insertBefore(e, at);
    update(e, item);
  }
  for (const e of old.values()) e.remove();
}

const order = new Map(); // of topics, by index, as they were first seen

/** The colour of a topic is a class; there are eight, and the first eight topics have one each. */
export function colour(topic) {
  if (!order.has(topic)) order.set(topic, order.size);
  return `topic-${order.get(topic) % 8}`;
}
