// Elements out of data. Text only ever becomes a text node: nothing here parses HTML.

const SVG = "http://www.w3.org/2000/svg";

const ICONS = {
  hash: "M7.5 3 6 17M14 3l-1.500 14M3 7.500h14.500M2.500 12.500H17",
  lock: "M5.500 9h9v7.500h-9zM7.500 9V6.500a2.500 2.500 0 0 1 5 0V9",
  shared: "M4 7a2 2 0 1 0 4 0 2 2 0 1 0-4 0M12 13a2 2 0 1 0 4 0 2 2 0 1 0-4 0M7.500 8.500l5 3.500",
  close: "M5 5l10 10M15 5 5 15",
  back: "M12 4l-6 6 6 6",
  reply: "M4 5h12v8H9l-4 3v-3H4z",
  send: "M3.500 4l13 6-13 6 2-6zM5.500 10h6",
  eye: "M2 10s3-5 8-5 8 5 8 5-3 5-8 5-8-5-8-5zM8 10a2 2 0 1 0 4 0 2 2 0 1 0-4 0",
  warning: "M10 3l8 14H2zM10 8v4M10 14.500v.100",
  more: "M4.500 10h.100M10 10h.100M15.500 10h.100",
  people: "M4.500 8a2.500 2.500 0 1 0 5 0 2.500 2.500 0 1 0-5 0M2 16c0-3 2-4.500 5-4.500s5 1.500 5 4.500M12.500 5.700a2.500 2.500 0 0 1 0 4.600M14 12c2.500.300 4 1.800 4 4",
  image: "M3 4h14v12H3zM3 13l4-4 4 4 2-2 4 4M13 7.500v.100",
};

export function h(tag, props = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (value === undefined || value === null || value === false) continue;
    if (name === "on") {
      for (const [event, listener] of Object.entries(value)) element.addEventListener(event, listener);
    } else if (name === "class") {
      element.className = value;
    } else if (name === "style") {
      for (const [rule, setting] of Object.entries(value)) element.style.setProperty(rule, setting);
    } else if (name === "value" || name === "checked" || name === "selected" || name === "disabled") {
      element[name] = value;
    } else {
      element.setAttribute(name, value === true ? "" : String(value));
    }
  }
  append(element, children);
  return element;
}

export function append(element, children) {
  for (const child of children.flat(Infinity)) {
    if (child === undefined || child === null || child === false) continue;
    element.append(child instanceof Node ? child : document.createTextNode(String(child)));
  }
}

export function icon(name, label) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", "0 0 20 20");
  svg.setAttribute("class", "icon");
  if (label) {
    svg.setAttribute("role", "img");
    svg.setAttribute("aria-label", label);
  } else {
    svg.setAttribute("aria-hidden", "true");
  }
  const path = document.createElementNS(SVG, "path");
  path.setAttribute("d", ICONS[name]);
  svg.append(path);
  return svg;
}

export const COLOURS = ["#c2467a", "#2c7fb8", "#2f8f6b", "#b0642b", "#6a5acd", "#a3472f", "#3d6f9e", "#7a7a2a"];

export function avatar(person, size = "") {
  const words = (person?.real_name || person?.name || "?").split(/\s+/);
  const initials = words.slice(0, 2).map((word) => word[0]?.toUpperCase() ?? "").join("");
  return h("span", { class: `avatar ${size}`, style: { background: person?.colour ?? COLOURS[0] }, "aria-hidden": "true" }, initials);
}

// Keeps the elements of unchanged items, so that a live update neither flickers nor loses what has the focus.
export class Keyed {
  constructor(container, build) {
    this.container = container;
    this.build = build;
    this.kept = new Map();
  }

  show(items) {
    const next = new Map();
    const elements = items.map((item) => {
      const version = JSON.stringify(item);
      const before = this.kept.get(item.key);
      const entry = before?.version === version ? before : { version, element: this.build(item) };
      next.set(item.key, entry);
      return entry.element;
    });
    this.kept = next;
    const current = [...this.container.children];
    if (current.length === elements.length && current.every((element, at) => element === elements[at])) return;
    this.container.replaceChildren(...elements);
  }
}
