// Confirm dialogs, and what all dialogs need: the focus stays inside, Escape closes.

import { h, icon } from "./dom.js";
import { textObject } from "./mrkdwn.js";

const FOCUSABLE = "button:not([disabled]), input:not([disabled]), select:not([disabled]), textarea:not([disabled]), a[href]";

export function trap(dialog, onEscape) {
  dialog.addEventListener("keydown", (event) => {
    if (event.key === "Escape") {
      event.stopPropagation();
      onEscape();
    }
    if (event.key !== "Tab") return;
    const stops = [...dialog.querySelectorAll(FOCUSABLE)].filter((stop) => stop.offsetParent !== null);
    const [first, last] = [stops[0], stops.at(-1)];
    if (event.shiftKey && document.activeElement === first) {
      event.preventDefault();
      last.focus();
    } else if (!event.shiftKey && document.activeElement === last) {
      event.preventDefault();
      first.focus();
    }
  });
}

export function confirmed(question, names) {
  return new Promise((resolve) => {
    const before = document.activeElement;
    const done = (answer) => {
      shade.remove();
      before?.focus?.();
      resolve(answer);
    };
    const dialog = h("div", { class: "dialog confirm", role: "alertdialog", "aria-modal": "true", "aria-labelledby": "confirm-title" },
      h("div", { class: "dialog-head" },
        h("h2", { id: "confirm-title" }, question.title.text),
        h("button", { type: "button", class: "plain", "aria-label": "Close", on: { click: () => done(false) } }, icon("close"))),
      h("div", { class: "dialog-body text" }, textObject(question.text, names)),
      h("div", { class: "dialog-foot" },
        h("button", { type: "button", class: "button", on: { click: () => done(false) } }, question.deny.text),
        h("button", { type: "button", class: `button ${question.style === "danger" ? "danger" : "primary"}`, on: { click: () => done(true) } }, question.confirm.text)));
    const shade = h("div", { class: "shade above", on: { click: (event) => { if (event.target === shade) done(false); } } }, dialog);
    trap(dialog, () => done(false));
    document.getElementById("layer").append(shade);
    dialog.querySelector(".dialog-foot .button:last-child").focus();
  });
}
