// The browser's own dialogs: the focus stays inside and returns afterwards; Escape closes.

import { h, icon } from "./dom.js";
import { textObject } from "./mrkdwn.js";

// `onEscape` must call `shut` in the end. If Escape is pressed twice, the browser may close the dialog without asking.
export function openDialog(props, onEscape, ...children) {
  const dialog = h("dialog", props, ...children);
  dialog.addEventListener("cancel", (event) => {
    if (event.target !== dialog) return;
    event.preventDefault();
    onEscape();
  });
  dialog.addEventListener("close", () => { if (dialog.isConnected && !dialog.shut) onEscape(); });
  document.getElementById("layer").append(dialog);
  dialog.showModal();
  return dialog;
}

export function shut(dialog) {
  dialog.shut = true;
  dialog.close();
  dialog.remove();
}

export function confirmed(question, names) {
  return new Promise((resolve) => {
    const done = (answer) => {
      shut(dialog);
      resolve(answer);
    };
    const yes = h("button", { type: "button", class: `button ${question.style === "danger" ? "danger" : "primary"}`, on: { click: () => done(true) } }, h("span", {}, question.confirm.text));
    const dialog = openDialog({ class: "confirm", role: "alertdialog", "aria-labelledby": "confirm-title", "aria-describedby": "confirm-text" }, () => done(false),
      h("div", { class: "dialog-head" },
        h("h2", { id: "confirm-title" }, question.title.text),
        h("button", { type: "button", class: "plain", "aria-label": "Close", on: { click: () => done(false) } }, icon("close"))),
      h("div", { class: "dialog-body text", id: "confirm-text" }, textObject(question.text, names)),
      h("div", { class: "dialog-foot" },
        h("button", { type: "button", class: "button", on: { click: () => done(false) } }, h("span", {}, question.deny.text)), yes));
    yes.focus();
  });
}

export function toast(words) {
  const shown = h("div", { class: "toast", role: "alert", popover: "manual" }, words);
  document.getElementById("layer").append(shown);
  shown.showPopover();
  setTimeout(() => shown.remove(), 6000);
}
