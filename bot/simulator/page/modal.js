// The modal in front of the person, and the stack behind it.

import { act } from "./api.js";
import { blocks } from "./blocks.js";
import { trap } from "./confirm.js";
import { avatar, h, icon } from "./dom.js";

export class Modal {
  constructor(layer) {
    this.layer = layer;
    this.shown = "";
    this.typed = {};
    this.viewId = null;
    this.before = null;
  }

  show({ view, depth, errors }, seat, names) {
    const shown = view ? JSON.stringify([seat, view.id, view.hash, errors]) : "";
    if (shown === this.shown) return;
    this.shown = shown;
    const focused = document.activeElement?.dataset?.action;
    const wasOpen = this.shade !== undefined;
    if (!wasOpen) this.before = document.activeElement;
    this.shade?.remove();
    this.shade = undefined;
    if (view?.id !== this.viewId) this.typed = {};
    this.viewId = view?.id ?? null;
    if (!view) {
      if (wasOpen && this.before?.isConnected) this.before.focus();
      return;
    }
    this.shade = h("div", { class: "shade" }, this.dialog(view, depth, errors, seat, names));
    this.layer.append(this.shade);
    this.focus(focused);
  }

  dialog(view, depth, errors, seat, names) {
    const surface = {
      names,
      errors,
      state: withTyped(view.state.values, this.typed, view.blocks),
      change: (key, value) => { this.typed[key] = value; },
      press: (action) => act(seat, "press", { ...action, values: this.typed }),
    };
    const close = () => act(seat, "close");
    const submit = view.submit && h("button", { type: "submit", class: "button primary" }, h("span", {}, view.submit.text));
    const form = h("form", {
      class: "dialog", role: "dialog", "aria-modal": "true", "aria-labelledby": "modal-title", novalidate: true,
      on: { submit: (event) => { event.preventDefault(); this.submit(seat, submit); } },
    },
    h("div", { class: "dialog-head" },
      depth > 1
        ? h("button", { type: "button", class: "plain", "aria-label": "Back", on: { click: close } }, icon("back"))
        : avatar(names.app, "small"),
      h("h2", { id: "modal-title" }, view.title.text),
      h("button", { type: "button", class: "plain", "aria-label": "Close", on: { click: close } }, icon("close"))),
    h("div", { class: "dialog-body" },
      errors[""] && h("div", { class: "banner", role: "alert" }, icon("warning"), errors[""]),
      blocks(view.blocks, surface)),
    h("div", { class: "dialog-foot" },
      h("button", { type: "button", class: "button", on: { click: close } }, view.close?.text ?? (view.submit ? "Cancel" : "Close")),
      submit));
    trap(form, close);
    return form;
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
    const body = this.shade.querySelector(".dialog-body");
    const again = action && [...this.shade.querySelectorAll("[data-action]")].find((one) => one.dataset.action === action);
    const wrong = body.querySelector("[aria-invalid]");
    const first = body.querySelector("[autofocus]") ?? body.querySelector("input, textarea, select");
    (wrong ?? again ?? first ?? this.shade.querySelector(".dialog-foot .button:last-child")).focus();
  }
}

// What was typed here and not yet sent wins over what the server knows.
function withTyped(values, typed, list) {
  const state = structuredClone(values);
  for (const block of list) {
    const item = block.element;
    const value = item && typed[`${block.block_id}/${item.action_id}`];
    if (value === undefined || !state[block.block_id]) continue;
    const slot = state[block.block_id][item.action_id];
    const name = Object.keys(slot).find((one) => one !== "type");
    slot[name] = name === "selected_option" ? { value } : name === "selected_options" ? value.map((one) => ({ value: one })) : value;
  }
  return state;
}
