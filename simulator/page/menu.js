// A menu of a button: arrow keys move, a letter jumps to an entry, Enter chooses, Escape returns to the button.

import { h } from "./dom.js";
import { home, place } from "./float.js";

// `items`: {label, note, choose}, {title} or {rule: true}; read when the menu opens.
export function withMenu(opener, label, items, { align = "end" } = {}) {
  let menu = null;
  opener.setAttribute("aria-haspopup", "menu");
  opener.setAttribute("aria-expanded", "false");

  const close = (refocus) => {
    const gone = menu;
    menu = null;  // before its removal, which moves the focus and would call this again
    gone?.remove();
    opener.setAttribute("aria-expanded", "false");
    if (refocus) opener.focus();
  };
  const open = () => {
    menu = h("div", { class: "menu", role: "menu", "aria-label": label, popover: "manual" }, items().map((item) => {
      if (item.rule) return h("hr");
      if (item.title) return h("div", { class: "menu-title", role: "presentation" }, item.title);
      return h("button", { type: "button", role: "menuitem", tabindex: "-1", on: { click: () => { close(true); item.choose(); } } },
        item.label, item.note && h("small", {}, item.note));
    }));
    menu.addEventListener("keydown", onKey);
    menu.addEventListener("focusout", (event) => {
      if (menu && !menu.contains(event.relatedTarget) && event.relatedTarget !== opener) close(false);
    });
    home(opener).append(menu);
    menu.showPopover();
    place(menu, opener, { align });
    opener.setAttribute("aria-expanded", "true");
    menu.querySelector("button")?.focus();
  };
  const onKey = (event) => {
    const rows = [...menu.querySelectorAll("button")];
    const at = rows.indexOf(document.activeElement);
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: rows.length - 1 }[event.key];
    const letter = event.key.length === 1 && event.key !== " " ? event.key.toLowerCase() : null;
    if (to !== undefined) rows.at(to % rows.length).focus();
    else if (event.key === "Escape") close(true);
    else if (event.key === "Tab") return close(true);
    else if (letter) rows.find((row) => row.textContent.trim().toLowerCase().startsWith(letter))?.focus();
    else return undefined;
    event.preventDefault();
    event.stopPropagation();
    return undefined;
  };
  opener.addEventListener("click", () => (menu ? close(true) : open()));
  opener.addEventListener("keydown", (event) => {
    if (event.key !== "ArrowDown" || menu) return;
    event.preventDefault();
    open();
  });
  return opener;
}
