// Makes elements from data. Text always becomes a text node; nothing here parses HTML.

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
  check: "M4.500 10.500l3.500 3.500 7.500-8",
  down: "M5.500 8l4.500 4.500L14.500 8",
  go: "M8 5l5 5-5 5",
  search: "M4 9a5 5 0 1 0 10 0 5 5 0 1 0-10 0M13 13l4 4",
  moon: "M16 12.500A7 7 0 0 1 7.500 4a6.500 6.500 0 1 0 8.500 8.500z",
  sun: "M6.500 10a3.500 3.500 0 1 0 7 0 3.500 3.500 0 1 0-7 0M10 1.800v1.700M10 16.500v1.700M1.800 10h1.700M16.500 10h1.700M4.200 4.200l1.200 1.200M14.600 14.600l1.200 1.200M15.800 4.200l-1.200 1.200M5.400 14.600l-1.200 1.200",
  columns: "M3 4.500h14v11H3zM10 4.500v11",
  pulse: "M2 10.500h3.500l2.200-6 4 11 2.300-5H18",
  bolt: "M11 2.500 4.500 11.500H9.500L8.500 17.500 15.500 8.500H10.500z",
  terminal: "M3 4.500h14v11H3zM6 8l2.500 2L6 12M10.500 12.500H14",
  file: "M5 2.500h6.500L15.500 6.500v11H5zM11.500 2.500v4h4",
  download: "M10 3.500v9M6.500 9.500l3.500 3.500 3.500-3.500M4 16.500h12",
  link: "M8.500 11.500a3 3 0 0 0 4.300.200l2.700-2.700a3 3 0 0 0-4.300-4.200l-1 1M11.500 8.500a3 3 0 0 0-4.300-.200L4.500 11a3 3 0 0 0 4.300 4.200l1-1",
  bars: "M3.500 5.500h13M3.500 10h13M3.500 14.500h13",
  at: "M6.800 10a3.200 3.200 0 1 0 6.400 0 3.200 3.200 0 1 0-6.400 0M13.200 6.800v4.400c0 2.800 3.800 2.400 3.800-1.200a7 7 0 1 0-2.700 5.500",
  slash: "M4 3.500h12a1 1 0 0 1 1 1v11a1 1 0 0 1-1 1H4a1 1 0 0 1-1-1v-11a1 1 0 0 1 1-1zM8 13.500l4-7",
  up: "M10 16V4M5.500 8.500 10 4l4.500 4.500",
  drop: "M10 4v12M5.500 11.500 10 16l4.500-4.500",
  inbox: "M3 11l2.500-7h9l2.500 7v5H3zM3 11h4l1 2h4l1-2h4",
  seat: "M6.500 6.500a3.500 3.500 0 1 0 7 0 3.500 3.500 0 1 0-7 0M3.500 17c0-3.500 2.500-5.500 6.500-5.500s6.500 2 6.500 5.500",
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
  const initials = words.slice(0, person?.is_bot ? 1 : 2).map((word) => word[0]?.toUpperCase() ?? "").join("");
  return h("span", { class: `avatar ${size}${person?.is_bot ? " app" : ""}`, style: { "background-color": person?.colour ?? COLOURS[0] }, "aria-hidden": "true" }, initials);
}

// Keeps the elements of unchanged items. So a live update does not flicker, does not lose the focus, and is not read
// out again from the start.
export class Keyed {
  constructor(container, build) {
    this.container = container;
    this.build = build;
    this.kept = new Map();
  }

  show(items) {
    const next = new Map();
    for (const item of items) {
      const version = JSON.stringify(item);
      const before = this.kept.get(item.key);
      const fits = before?.version === version;
      next.set(item.key, fits ? before : { version, element: this.build(item) });
      if (before && !fits) swap(before.element, next.get(item.key).element);
    }
    for (const [key, { element }] of this.kept) if (!next.has(key)) element.remove();
    this.kept = next;
    let at = this.container.firstChild;
    for (const { element } of next.values()) {
      if (element === at) at = at.nextSibling;
      else this.container.insertBefore(element, at);
    }
    while (at) {
      const rest = at.nextSibling;
      at.remove();
      at = rest;
    }
  }
}

// Replaces an element. The part that had the focus gets it again, or else the whole element does.
function swap(old, fresh) {
  const focused = old.contains(document.activeElement) ? document.activeElement : null;
  if (!old.isConnected) return;
  old.replaceWith(fresh);
  if (!focused) return;
  const action = focused.dataset.action;
  const again = action && [...fresh.querySelectorAll("[data-action]")].find((one) => one.dataset.action === action);
  (again ?? fresh).focus();
}
