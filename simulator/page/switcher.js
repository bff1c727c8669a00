// Ctrl+K: goes to a channel, a person or another seat.

import { openDialog, shut } from "./dialog.js";
import { avatar, h, icon } from "./dom.js";
import { kind } from "./sidebar.js";

export function openSwitcher(names, channels, { place, direct, seat }) {
  const people = [...names.people.values()].filter((one) => !one.is_bot);
  const all = [
    ...channels.map((one) => ({
      words: one.title, note: one.unread ? `${one.unread} unread` : one.topic?.value ?? "",
      sign: one.is_app ? avatar(names.app, "tiny") : one.user ? avatar(names.person(one.user), "tiny") : icon(one.is_ext_shared ? "shared" : one.is_private ? "lock" : "hash"),
      go: () => place(one),
    })),
    ...people.filter((one) => one.id !== names.seat.id).flatMap((one) => [
      { words: `Take ${one.real_name}'s seat`, note: kind(one), sign: icon("seat"), go: () => seat(one) },
      !one.deleted && { words: `Write to ${one.real_name}`, note: `@${one.name}`, sign: avatar(one, "tiny"), go: () => direct(one) },
    ].filter(Boolean)),
  ];
  let shown = all;
  let at = 0;
  const input = h("input", { type: "text", role: "combobox", "aria-expanded": "true", "aria-controls": "switcher-results", "aria-label": "Go to", autocomplete: "off", placeholder: "Go to a channel, a person, a seat…" });
  const results = h("div", { class: "results", id: "switcher-results", role: "listbox", "aria-label": "Places" });
  const draw = () => {
    results.replaceChildren(...(shown.length ? shown.map((one, index) => h("div", {
      class: "offer", role: "option", id: `switcher-${index}`, "aria-selected": String(index === at),
      on: { click: () => choose(one), mousemove: () => { if (at !== index) { at = index; draw(); } } },
    }, one.sign, h("strong", {}, one.words), h("span", { class: "offer-note" }, one.note))) : [h("div", { class: "option-none" }, "No results")]));
    if (shown.length) input.setAttribute("aria-activedescendant", `switcher-${at}`);
    else input.removeAttribute("aria-activedescendant");
    results.children[at]?.scrollIntoView({ block: "nearest" });
  };
  const choose = (one) => {
    shut(dialog);
    one.go();
  };
  input.addEventListener("input", () => {
    const wanted = input.value.trim().toLowerCase().replace(/^[#@]/, "");
    shown = all.filter((one) => one.words.toLowerCase().includes(wanted));
    at = 0;
    draw();
  });
  input.addEventListener("keydown", (event) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step && shown.length) at = (at + step + shown.length) % shown.length;
    else if (event.key === "Enter" && shown.length) return choose(shown[at]);
    else return undefined;
    event.preventDefault();
    return draw();
  });
  const dialog = openDialog({ class: "switcher", "aria-label": "Go to" }, () => shut(dialog),
    h("div", { class: "switcher-box" }, icon("search"), input),
    results,
    h("div", { class: "switcher-foot" }, h("span", {}, h("kbd", {}, "↑"), " ", h("kbd", {}, "↓"), " move"), h("span", {}, h("kbd", {}, "Enter"), " go"), h("span", {}, h("kbd", {}, "Esc"), " back")));
  dialog.addEventListener("click", (event) => { if (event.target === dialog) shut(dialog); });
  draw();
  input.focus();
}
