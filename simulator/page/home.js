// The Home tab that the app published for this person.

import { act } from "./api.js";
import { blocks } from "./blocks.js";
import { h, icon } from "./dom.js";

export class HomeTab {
  constructor(screen) {
    this.screen = screen;
  }

  draw(scroll, view) {
    const { names, now } = this.screen;
    const shown = view ? JSON.stringify([now.seat, view.hash, view.blocks]) : "none";
    if (scroll.dataset.home === shown) return;
    scroll.dataset.home = shown;
    const focused = scroll.contains(document.activeElement) && document.activeElement.dataset.action;
    const top = scroll.scrollTop;
    scroll.replaceChildren(view ? this.tab(view) : this.blank(names));
    scroll.scrollTop = top;
    if (focused) [...scroll.querySelectorAll("[data-action]")].find((one) => one.dataset.action === focused)?.focus();
  }

  tab(view) {
    const { names, now } = this.screen;
    const typed = {};
    return h("div", { class: "home" }, blocks(view.blocks, {
      names,
      state: view.state.values,
      change: (key, value) => { typed[key] = value; },
      press: (action) => act(now.seat, "press", { ...action, home: true }),
      suggest: (question) => act(now.seat, "suggest", { ...question, home: true }),
    }));
  }

  blank(names) {
    return h("div", { class: "blank" }, h("span", { class: "sign" }, icon("inbox")),
      h("h2", {}, "Nothing here yet"), h("p", {}, `${names.app.real_name} has not published a Home tab for you.`));
  }
}
