// A select with a text field for searching: one choice, or several shown as tokens.

import { h, icon } from "./dom.js";
import { home, place } from "./float.js";

const PAUSE = 150;
let made = 0;

// `options`: {value, label, note, group}; `chosen`: values; `onChange(values)`. `ask(text)` returns a
// promise of the options for the typed text, for menus that have no options of their own.
export function combobox({ id, label, described, action, placeholder, options, ask, chosen, many = false, autofocus, onChange }) {
  const listId = `listbox-${(made += 1)}`;
  let values = [...chosen];
  let list = null;
  let shown = [];
  let at = 0;

  let pause = 0;

  const labels = new Map(options.map((one) => [one.value, one.label]));
  const labelOf = (value) => labels.get(value) ?? value;
  const input = h("input", {
    id, type: "text", role: "combobox", autocomplete: "off", spellcheck: "false", placeholder, autofocus,
    "aria-label": label, "aria-describedby": described, "aria-expanded": "false", "aria-controls": listId,
    "aria-autocomplete": "list", "data-action": action,
  });
  const tokens = h("span", { class: "tokens" });
  const frame = h("div", { class: `control combo${many ? " many" : ""}` }, tokens, input, icon("down"));

  const draw = () => {
    frame.classList.toggle("filled", values.length > 0);
    if (!many) {
      input.value = values.length ? labelOf(values[0]) : "";
      return;
    }
    tokens.replaceChildren(...values.map((value) => h("span", { class: "token" }, labelOf(value),
      h("button", { type: "button", "aria-label": `Remove ${labelOf(value)}`, on: { click: () => take(value) } }, icon("close")))));
  };
  const take = (value) => {
    if (many) values = values.includes(value) ? values.filter((one) => one !== value) : [...values, value];
    else values = value === null ? [] : [value];
    input.value = "";
    draw();
    if (many) filter();
    else close();
    onChange(values);
  };
  const offer = (found) => {
    shown = found;
    at = Math.max(0, shown.findIndex((one) => values.includes(one.value)));
    rows();
  };
  const inquire = () => {
    clearTimeout(pause);
    pause = setTimeout(async () => {
      const typed = list?.dataset.all === "yes" ? "" : input.value;
      const found = await ask(typed);
      for (const one of found) labels.set(one.value, one.label);
      if (list) offer(found);
    }, PAUSE);
  };
  const filter = () => {
    if (ask) return inquire();
    const wanted = list?.dataset.all === "yes" ? "" : input.value.trim().toLowerCase();
    return offer(options.filter((one) => one.label.toLowerCase().includes(wanted)));
  };
  const rows = () => {
    if (!list) return;
    let group;
    list.replaceChildren(...(shown.length ? shown.flatMap((one, index) => {
      const row = h("div", {
        class: `option${index === at ? " at" : ""}`, role: "option", id: `${listId}-${index}`, "aria-selected": String(values.includes(one.value)),
        on: { mousedown: (event) => event.preventDefault(), click: () => take(one.value), mousemove: () => mark(index) },
      }, h("span", {}, one.label, one.note && h("small", {}, one.note)), icon("check"));
      const title = one.group !== undefined && one.group !== group && h("div", { class: "option-group", role: "presentation" }, one.group);
      group = one.group;
      return title ? [title, row] : [row];
    }) : [h("div", { class: "option-none" }, "No items match")]));
    mark(at, true);
    place(list, frame, { wide: true });
  };
  const mark = (index, scroll = false) => {
    at = index;
    list.querySelectorAll(".option").forEach((row, number) => row.classList.toggle("at", number === at));
    const row = list.querySelectorAll(".option")[at];
    if (row) input.setAttribute("aria-activedescendant", row.id);
    else input.removeAttribute("aria-activedescendant");
    if (scroll) row?.scrollIntoView({ block: "nearest" });
  };
  const open = () => {
    if (list) return;
    list = h("div", { class: "listbox", id: listId, role: "listbox", "aria-label": label ?? placeholder, "aria-multiselectable": many ? "true" : undefined, popover: "manual", "data-all": many ? "no" : "yes" });
    home(frame).append(list);
    list.showPopover();
    input.setAttribute("aria-expanded", "true");
    filter();
  };
  const close = () => {
    list?.remove();
    list = null;
    input.setAttribute("aria-expanded", "false");
    input.removeAttribute("aria-activedescendant");
    draw();
  };
  frame.addEventListener("mousedown", (event) => {
    if (event.target !== input) event.preventDefault();
    if (event.target.closest("button")) return;
    input.focus();
    if (list) return close();
    open();
    return input.select();
  });
  input.addEventListener("input", () => { open(); list.dataset.all = "no"; filter(); });
  input.addEventListener("focus", () => input.select());
  input.addEventListener("blur", () => { if (many) input.value = ""; close(); });
  input.addEventListener("keydown", (event) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step && !list) open();
    else if (step && shown.length) mark((at + step + shown.length) % shown.length, true);
    else if (event.key === "Enter" && list && shown.length) take(shown[at].value);
    else if (event.key === "Escape" && list) close();
    else if (event.key === "Backspace" && many && !input.value && values.length) return take(values.at(-1));
    else if (event.key === "Backspace" && !many && values.length && list?.dataset.all !== "no") take(null);
    else return undefined;
    event.preventDefault();
    event.stopPropagation();
    return undefined;
  });
  draw();
  return frame;
}
