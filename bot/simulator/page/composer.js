// The message box: Enter sends, `/` offers the app's commands, `@` offers people and groups.

import { avatar, h, icon } from "./dom.js";

export function composer({ id, label, names, send, commands }) {
  const box = h("textarea", { id, class: "compose-text", rows: 1, placeholder: label, "aria-label": label, "aria-autocomplete": "list", "aria-controls": `${id}-offers` });
  const offers = h("div", { class: "offers", id: `${id}-offers`, role: "listbox", hidden: true });
  const error = h("div", { class: "compose-error", role: "alert", hidden: true });
  const button = h("button", { type: "submit", class: "send", "aria-label": "Send", disabled: true }, icon("send"));
  let shown = [];
  let at = 0;

  const grow = () => {
    box.style.height = "auto";
    box.style.height = `${Math.min(box.scrollHeight, 240)}px`;
    button.disabled = !box.value.trim();
  };
  const word = () => /(?:^|\s)(@[\w-]*)$/.exec(box.value.slice(0, box.selectionStart))?.[1];
  const propose = () => {
    const mention = word();
    if (commands && /^\/\S*$/.test(box.value)) {
      shown = commands.filter((one) => one.name.startsWith(box.value))
        .map((one) => ({ insert: `${one.name} `, all: true, row: [h("strong", {}, one.name), h("span", { class: "offer-hint" }, one.hint), h("span", { class: "offer-note" }, one.description)] }));
    } else if (mention) {
      const wanted = mention.slice(1).toLowerCase();
      const people = [...names.people.values()].filter((one) => !one.deleted && one.name.startsWith(wanted))
        .map((one) => ({ insert: `@${one.name} `, row: [avatar(one, "tiny"), h("strong", {}, one.real_name), h("span", { class: "offer-hint" }, one.name)] }));
      const groups = [...names.groups.values()].filter((one) => one.handle.startsWith(wanted))
        .map((one) => ({ insert: `@${one.handle} `, row: [icon("people"), h("strong", {}, `@${one.handle}`), h("span", { class: "offer-hint" }, one.name)] }));
      shown = [...people, ...groups].slice(0, 8);
    } else {
      shown = [];
    }
    at = 0;
    draw();
  };
  const draw = () => {
    offers.hidden = shown.length === 0;
    offers.replaceChildren(...shown.map((one, index) => h("div", {
      class: "offer", role: "option", id: `${id}-offer-${index}`, "aria-selected": String(index === at),
      on: { mousedown: (event) => { event.preventDefault(); take(one); } },
    }, one.row)));
    if (shown.length) box.setAttribute("aria-activedescendant", `${id}-offer-${at}`);
    else box.removeAttribute("aria-activedescendant");
  };
  const take = (one) => {
    const cursor = box.selectionStart;
    const start = one.all ? 0 : cursor - (word()?.length ?? 0);
    box.setRangeText(one.insert, start, cursor, "end");
    shown = [];
    draw();
    grow();
  };
  const submit = async () => {
    const text = box.value.trim();
    if (!text) return;
    box.value = "";
    shown = [];
    draw();
    grow();
    error.hidden = true;
    try {
      await send(text);
    } catch (problem) {
      box.value = text;
      grow();
      error.textContent = problem.message;
      error.hidden = false;
    }
  };
  box.addEventListener("input", () => { grow(); propose(); });
  box.addEventListener("blur", () => { shown = []; draw(); });
  box.addEventListener("keydown", (event) => {
    if (shown.length && (event.key === "ArrowDown" || event.key === "ArrowUp")) {
      event.preventDefault();
      at = (at + (event.key === "ArrowDown" ? 1 : shown.length - 1)) % shown.length;
      draw();
    } else if (shown.length && (event.key === "Tab" || event.key === "Enter") && box.value.trim() !== shown[at].insert.trim()) {
      event.preventDefault();
      take(shown[at]);
    } else if (shown.length && event.key === "Escape") {
      event.stopPropagation();
      shown = [];
      draw();
    } else if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
      event.preventDefault();
      submit();
    }
  });
  return h("form", { class: "composer", on: { submit: (event) => { event.preventDefault(); submit(); } } },
    error, offers, h("div", { class: "compose-frame" }, box, button));
}
