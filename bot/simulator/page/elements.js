// Interactive elements. `surface` says what happens to them:
//   names, state (Slack's state.values), press(action), change(key, value), errors

import { h, icon } from "./dom.js";
import { confirmed } from "./confirm.js";
import { emoji } from "./emoji.js";
import { textObject } from "./mrkdwn.js";

export function element(block, item, surface, options = {}) {
  const build = BUILDERS[item.type];
  if (!build) return h("span", { class: "unsupported" }, `(${item.type})`);
  return build(block, item, surface, options);
}

const key = (block, item) => `${block.block_id}/${item.action_id}`;
const current = (block, item, surface) => surface.state[block.block_id]?.[item.action_id] ?? {};

// In an input block a change is kept until the form is sent; elsewhere, or with dispatch_action, the app is told at once.
async function changed(block, item, surface, value, control) {
  surface.change(key(block, item), value);
  if (block.type !== "input" || block.dispatch_action) await press(block, item, surface, value, control);
}

async function press(block, item, surface, value, control) {
  if (item.confirm && !(await confirmed(item.confirm, surface.names))) return;
  control?.classList.add("busy");
  control?.setAttribute("aria-busy", "true");
  try {
    await surface.press({ action_id: item.action_id, block_id: block.block_id, value });
  } finally {
    control?.classList.remove("busy");
    control?.removeAttribute("aria-busy");
  }
}

function button(block, item, surface) {
  const label = item.text ? textObject(item.text, surface.names) : emoji(item.icon ?? "");
  const made = h("button", {
    type: "button",
    class: `button ${item.style ?? ""}`,
    "aria-label": item.accessibility_label,
    "data-action": item.action_id,
    on: { click: () => clicked() },
  }, h("span", {}, label));
  const clicked = async () => {
    if (made.classList.contains("busy")) return;
    await press(block, item, surface, item.value, made);
    if (item.url && /^https?:/i.test(item.url)) window.open(item.url, "_blank", "noopener,noreferrer");
  };
  return made;
}

function menu(block, item, surface) {
  const list = h("div", { class: "menu", role: "menu", hidden: true });
  const opener = h("button", {
    type: "button", class: "button more", "aria-label": "More actions", "aria-haspopup": "menu",
    on: { click: () => { list.hidden = !list.hidden; list.querySelector("button")?.focus(); } },
  }, icon("more"));
  for (const option of item.options) {
    list.append(h("button", {
      type: "button", role: "menuitem",
      on: { click: () => { list.hidden = true; press(block, item, surface, option.value, opener); } },
    }, option.text.text));
  }
  list.addEventListener("keydown", (event) => { if (event.key === "Escape") { list.hidden = true; opener.focus(); } });
  list.addEventListener("focusout", (event) => { if (!list.contains(event.relatedTarget)) list.hidden = true; });
  return h("span", { class: "overflow" }, opener, list);
}

function choices(item, names) {
  if (item.type.endsWith("users_select")) {
    return [...names.people.values()].filter((p) => !p.deleted && !p.is_bot).map((p) => [p.id, p.real_name]);
  }
  if (item.type.endsWith("channels_select") || item.type.endsWith("conversations_select")) {
    return [...names.channels.values()].map((channel) => [channel.id, `# ${channel.name}`]);
  }
  const grouped = (item.option_groups ?? []).map((group) => [null, group.label.text, group.options]);
  return [...(item.options ?? []).map((option) => [option.value, option.text.text]), ...grouped];
}

const SELECTED = ["selected_option", "selected_user", "selected_channel", "selected_conversation"];
const MANY = ["selected_options", "selected_users", "selected_channels", "selected_conversations"];
const plain = (chosen) => (chosen && typeof chosen === "object" ? chosen.value : chosen);
const picked = (state) => plain(SELECTED.map((name) => state[name]).find(Boolean)) ?? "";
const pickedMany = (state) => (MANY.map((name) => state[name]).find(Boolean) ?? []).map(plain);

function select(block, item, surface, { id, described }) {
  const now = picked(current(block, item, surface));
  const option = ([value, text, group]) => group
    ? h("optgroup", { label: text }, group.map((one) => option([one.value, one.text.text])))
    : h("option", { value, selected: value === now }, text);
  const made = h("select", {
    id, class: "control select", "aria-describedby": described, "data-action": item.action_id,
    "aria-label": id ? undefined : item.placeholder?.text ?? "Choose",
    on: { change: () => changed(block, item, surface, made.value, made) },
  }, h("option", { value: "", selected: !now }, item.placeholder?.text ?? "Select an item"), choices(item, surface.names).map(option));
  made.classList.toggle("empty", !now);
  made.addEventListener("change", () => made.classList.toggle("empty", !made.value));
  return made;
}

function boxes(type, list, chosen) {
  return (block, item, surface, { described }) => {
    const state = current(block, item, surface);
    const values = new Set(chosen(state));
    const group = h("div", { class: "choices", role: type === "radio" ? "radiogroup" : "group", "aria-describedby": described });
    for (const [value, text, description] of list(item, surface.names)) {
      const box = h("input", {
        type, name: key(block, item), value, checked: values.has(value), "data-action": item.action_id,
        on: { change: () => report() },
      });
      group.append(h("label", { class: "choice" }, box, h("span", {}, text, description && h("small", {}, description))));
    }
    const report = () => {
      const on = [...group.querySelectorAll("input:checked")].map((box) => box.value);
      return changed(block, item, surface, type === "radio" ? on[0] : on, group);
    };
    return group;
  };
}

const optionRows = (item, names) => item.options.map((option) => [
  option.value, textObject(option.text, names), option.description && textObject(option.description, names),
]);
const manyRows = (item, names) => choices(item, names).flatMap(([value, text, group]) =>
  group ? group.map((one) => [one.value, `${text}: ${one.text.text}`]) : [[value, text]]);

function input(type, read = (state) => state.value ?? "", write = (text) => text) {
  return (block, item, surface, { id, described }) => {
    const made = h(item.multiline || type === "rich" ? "textarea" : "input", {
      id, class: "control", type: item.multiline || type === "rich" ? undefined : type,
      placeholder: item.placeholder?.text, "aria-describedby": described, "data-action": item.action_id,
      "aria-label": id ? undefined : item.placeholder?.text ?? item.action_id,
      maxlength: type === "text" ? item.max_length ?? 3000 : undefined,
      min: item.min_value, max: item.max_value, step: item.is_decimal_allowed ? "any" : undefined,
      rows: item.multiline ? 4 : undefined, autofocus: item.focus_on_load,
      value: read(current(block, item, surface)),
    });
    const typed = type === "text" || type === "rich" || type === "number" || type === "email" || type === "url";
    if (typed) {
      made.addEventListener("input", () => surface.change(key(block, item), write(made.value)));
      made.addEventListener("keydown", (event) => {
        if (event.key === "Enter" && !item.multiline && block.dispatch_action) changed(block, item, surface, write(made.value), made);
      });
    } else {
      made.addEventListener("change", () => changed(block, item, surface, write(made.value), made));
    }
    return made;
  };
}

const localTime = (seconds) => {
  if (!seconds) return "";
  const date = new Date(seconds * 1000);
  return new Date(date.getTime() - date.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
};
const rich = (text) => text && { type: "rich_text", elements: [{ type: "rich_text_section", elements: [{ type: "text", text }] }] };
const richWords = (state) => (state.rich_text_value?.elements ?? [])
  .map((section) => section.elements.map((part) => part.text ?? "").join("")).join("\n");

const BUILDERS = {
  button, icon_button: button, workflow_button: button,
  overflow: menu,
  static_select: select, users_select: select, channels_select: select, conversations_select: select, external_select: select,
  multi_static_select: boxes("checkbox", manyRows, pickedMany),
  multi_users_select: boxes("checkbox", manyRows, pickedMany),
  multi_channels_select: boxes("checkbox", manyRows, pickedMany),
  multi_conversations_select: boxes("checkbox", manyRows, pickedMany),
  checkboxes: boxes("checkbox", optionRows, pickedMany),
  radio_buttons: boxes("radio", optionRows, (state) => [picked(state)]),
  plain_text_input: input("text"), email_text_input: input("email"), url_text_input: input("url"), number_input: input("number"),
  rich_text_input: input("rich", richWords, rich),
  datepicker: input("date", (state) => state.selected_date ?? ""),
  timepicker: input("time", (state) => state.selected_time ?? ""),
  datetimepicker: input("datetime-local", (state) => localTime(state.selected_date_time), (text) => text && Date.parse(text) / 1000),
};
