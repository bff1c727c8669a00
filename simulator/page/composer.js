// The message box: Enter sends, `/` offers the app's commands with their usage, `@` offers people and groups.

import { avatar, h, icon } from "./dom.js";
import { withMenu } from "./menu.js";

// The texts that were sent. The up arrow brings them back.
const sent = [];

export function composer({ id, label, names, send, commands = [], shortcuts = () => [], shortcut, onEscape }) {
  const offersId = `${id}-offers`;
  const box = h("textarea", {
    id, class: "compose-text", rows: 1, placeholder: label, "aria-label": label, role: "combobox", "aria-expanded": "false",
    "aria-autocomplete": "list", "aria-controls": offersId, "aria-describedby": `${id}-usage`,
  });
  const offers = h("div", { class: "offers", id: offersId, role: "listbox", "aria-label": "Suggestions", hidden: true });
  const usage = h("div", { class: "compose-usage", id: `${id}-usage`, role: "status" });
  const error = h("div", { class: "compose-error", role: "alert", hidden: true });
  const button = h("button", { type: "submit", class: "send", "aria-label": "Send", disabled: true }, icon("send"));
  let shown = [];
  let at = 0;
  let recalled = -1;

  const grow = () => {
    box.style.setProperty("height", "auto");
    box.style.setProperty("height", `${Math.min(box.scrollHeight, 240)}px`);
    button.disabled = !box.value.trim();
    const command = commands.find((one) => box.value.startsWith(`${one.name} `));
    usage.replaceChildren(...(command?.hint ? [h("code", {}, `${command.name} ${command.hint}`)] : []));
    usage.title = command?.hint ?? "";
  };
  const word = () => /(?:^|\s)(@[\w-]*)$/.exec(box.value.slice(0, box.selectionStart))?.[1];
  const propose = () => {
    const mention = word();
    if (commands.length && /^\/\S*$/.test(box.value)) {
      shown = commands.filter((one) => one.name.startsWith(box.value)).map((one) => ({
        insert: `${one.name} `, all: true,
        row: [avatar(names.app, "tiny"), h("strong", {}, one.name), h("span", { class: "offer-hint" }, one.hint), h("span", { class: "offer-note" }, one.description)],
      }));
    } else if (mention) {
      shown = mentions(mention.slice(1).toLowerCase(), names);
    } else {
      shown = [];
    }
    at = 0;
    draw();
  };
  const draw = () => {
    offers.hidden = shown.length === 0;
    box.setAttribute("aria-expanded", String(shown.length > 0));
    offers.replaceChildren(
      ...(shown.length ? [h("div", { class: "offers-head", role: "presentation" }, shown[0].all ? "Commands" : "People and groups")] : []),
      ...shown.map((one, index) => h("div", {
        class: "offer", role: "option", id: `${offersId}-${index}`, "aria-selected": String(index === at),
        on: { mousedown: (event) => { event.preventDefault(); take(one); }, mousemove: () => { if (at !== index) { at = index; draw(); } } },
      }, one.row)));
    if (shown.length) box.setAttribute("aria-activedescendant", `${offersId}-${at}`);
    else box.removeAttribute("aria-activedescendant");
  };
  const take = (one) => {
    const cursor = box.selectionStart;
    box.setRangeText(one.insert, one.all ? 0 : cursor - (word()?.length ?? 0), cursor, "end");
    shown = [];
    draw();
    grow();
  };
  const begin = (text) => {
    box.focus();
    box.setRangeText(text, box.selectionStart, box.selectionEnd, "end");
    grow();
    propose();
  };
  const submit = async () => {
    const text = box.value.trim();
    if (!text) return;
    sent.unshift(text);
    recalled = -1;
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
  // Steps through the texts sent before, as long as nothing else is typed.
  const recall = (step) => {
    if (box.value && box.value !== sent[recalled]) return false;
    const wanted = recalled + step;
    if (wanted < -1 || wanted >= sent.length) return false;
    recalled = wanted;
    box.value = sent[recalled] ?? "";
    grow();
    return true;
  };
  const onKey = (event) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step && shown.length) {
      at = (at + step + shown.length) % shown.length;
      draw();
    } else if (step && recall(-step)) {
      // done
    } else if (shown.length && (event.key === "Tab" || event.key === "Enter") && box.value.trim() !== shown[at].insert.trim()) {
      take(shown[at]);
    } else if (event.key === "Escape" && shown.length) {
      shown = [];
      draw();
    } else if (event.key === "Escape" && onEscape) {
      onEscape();
    } else if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
      submit();
    } else {
      return;
    }
    event.preventDefault();
    event.stopPropagation();
  };
  box.addEventListener("input", () => { grow(); propose(); });
  box.addEventListener("blur", () => { shown = []; draw(); });
  box.addEventListener("keydown", onKey);
  const tool = (name, words, on) => h("button", { type: "button", class: "plain", "aria-label": words, title: words, on }, icon(name));
  const bolt = shortcuts().length > 0 && withMenu(tool("bolt", "Shortcuts"), "Shortcuts",
    () => [{ title: names.app.real_name }, ...shortcuts().map((one) => ({ label: one.name, note: one.description, choose: () => shortcut(one) }))], { align: "start" });
  const form = h("form", { class: "composer", on: { submit: (event) => { event.preventDefault(); submit(); } } },
    error, offers, h("div", { class: "compose-frame" }, box,
      h("div", { class: "compose-bar" },
        bolt,
        commands.length > 0 && tool("slash", "Run a command", { click: () => { box.value = ""; begin("/"); } }),
        tool("at", "Mention somebody", { click: () => begin("@") }),
        usage, button)));
  form.fill = (text) => { box.value = text; box.focus(); box.setSelectionRange(text.length, text.length); grow(); };
  return form;
}

function mentions(wanted, names) {
  const fits = (...words) => words.some((one) => one.toLowerCase().startsWith(wanted));
  const people = [...names.people.values()].filter((one) => !one.deleted && fits(one.name, one.real_name)).map((one) => ({
    insert: `@${one.name} `, row: [avatar(one, "tiny"), h("strong", {}, one.real_name), h("span", { class: "offer-hint" }, one.name)],
  }));
  const groups = [...names.groups.values()].filter((one) => fits(one.handle, one.name)).map((one) => ({
    insert: `@${one.handle} `, row: [icon("people"), h("strong", {}, `@${one.handle}`), h("span", { class: "offer-hint" }, one.name)],
  }));
  return [...people, ...groups].slice(0, 8);
}
