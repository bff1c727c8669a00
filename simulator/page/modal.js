// The modal in front of the person, and the stack behind it.

import { act } from "./api.js";
import { blocks } from "./blocks.js";
import { openDialog, shut } from "./dialog.js";
import { avatar, h, icon } from "./dom.js";

export class Modal {
  constructor() {
    this.shown = "";
    this.typed = {};
    this.viewId = null;
    this.dialog = null;
  }

  show({ view, depth, errors }, seat, names) {
    const shown = view ? JSON.stringify([seat, view.id, view.hash, errors]) : "";
    if (shown === this.shown) return;
    this.shown = shown;
    const same = view?.id === this.viewId;
    if (!same) this.typed = {};
    this.viewId = view?.id ?? null;
    if (!view) {
      if (this.dialog) shut(this.dialog);
      this.dialog = null;
      return;
    }
    const focused = document.activeElement?.dataset?.action;
    const scrolled = same ? this.dialog?.querySelector(".dialog-body")?.scrollTop : 0;
    const close = () => act(seat, "close");
    const form = this.form(view, depth, errors, seat, names, close);
    this.close = close;
    if (this.dialog) this.dialog.replaceChildren(form);
    else this.dialog = openDialog({ "aria-labelledby": "modal-title" }, () => this.close(), form);
    this.dialog.querySelector(".dialog-body").scrollTop = scrolled ?? 0;
    this.focus(same ? focused : null);
  }

  form(view, depth, errors, seat, names, close) {
    const surface = {
      names,
      errors,
      state: withTyped(view.state.values, this.typed, view.blocks),
      change: (key, value) => { this.typed[key] = value; },
      press: (action) => act(seat, "press", { ...action, values: this.typed }),
      suggest: (question) => act(seat, "suggest", question),
    };
    const submit = view.submit && h("button", { type: "submit", class: "button primary", "data-action": "submit", disabled: Boolean(view.submit_disabled) }, h("span", {}, view.submit.text));
    return h("form", { novalidate: true, on: { submit: (event) => { event.preventDefault(); this.submit(seat, submit); } } },
      h("div", { class: "dialog-head" },
        depth > 1
          ? h("button", { type: "button", class: "plain back", "aria-label": "Back", on: { click: close } }, icon("back"))
          : avatar(names.app, "small"),
        h("h2", { id: "modal-title" }, view.title.text),
        h("button", { type: "button", class: "plain", "aria-label": "Close", on: { click: () => act(seat, "close", depth > 1 ? { all: true } : {}) } }, icon("close"))),
      h("div", { class: "dialog-body" },
        errors[""] && h("div", { class: "banner", role: "alert" }, icon("warning"), errors[""]),
        blocks(view.blocks, surface)),
      h("div", { class: "dialog-foot" },
        h("button", { type: "button", class: "button", "data-action": "close", on: { click: close } }, h("span", {}, view.close?.text ?? (view.submit ? "Cancel" : "Close"))),
        submit));
  }

  async submit(seat, button) {
    if (!button || button.classList.contains("busy")) return;
    button.classList.add("busy");
    try {
      await act(seat, "submit", { values: this.typed });
    } finally {
      button.classList.remove("busy");
    }
  }

  focus(action) {
    const body = this.dialog.querySelector(".dialog-body");
    const wrong = body.querySelector("[aria-invalid]");
    const again = action && [...this.dialog.querySelectorAll("[data-action]")].find((one) => one.dataset.action === action);
    const first = body.querySelector("[autofocus]") ?? body.querySelector("input, textarea");
    (wrong ?? again ?? first ?? this.dialog.querySelector(".dialog-foot .button:last-child")).focus();
  }
}

// Text that was typed here and not sent yet takes precedence over the server's state.
function withTyped(values, typed, list) {
  const state = structuredClone(values);
  for (const block of list) {
    const item = block.element;
    const value = item && typed[`${block.block_id}/${item.action_id}`];
    if (value === undefined || !state[block.block_id]) continue;
    const slot = state[block.block_id][item.action_id];
    const name = Object.keys(slot).find((one) => one !== "type");
    slot[name] = name === "selected_option" ? value && { value } : name === "selected_options" ? value.map((one) => ({ value: one })) : value;
  }
  return state;
}
