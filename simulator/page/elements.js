// Interactive elements. `surface` says what happens to them:
//   names, state (Slack's state.values), press(action), suggest(question), change(key, value), errors

import { combobox } from "./combobox.js";
import { confirmed } from "./dialog.js";
import { h, icon } from "./dom.js";
import { emoji } from "./emoji.js";
import { withMenu } from "./menu.js";
import { textObject } from "./mrkdwn.js";

export function element(block, item, surface, options = {}) {
  const build = BUILDERS[item.type];
  if (!build) return h("span", { class: "unsupported" }, `(${item.type})`);
  return build(block, item, surface, options);
}

// Whether the element consists of several controls. A label can point only to a single control.
export const isGroup = (item) => ["checkboxes", "radio_buttons", "file_input"].includes(item.type);

const key = (block, item) => `${block.block_id}/${item.action_id}`;
const current = (block, item, surface) => surface.state[block.block_id]?.[item.action_id] ?? {};

// In an input block a change waits until the form is submitted. Elsewhere, or with dispatch_action, the app is told at once.
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
    class: `button ${item.style ?? ""}${block.type === "context_actions" ? " small" : ""}`,
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

function feedback(block, item, surface) {
  const one = (choice) => choice && h("button", {
    type: "button", class: "button small", "aria-label": choice.accessibility_label, "data-action": item.action_id,
    on: { click: (event) => press(block, item, surface, choice.value, event.currentTarget) },
  }, h("span", {}, choice.text?.text));
  return [one(item.positive_button), one(item.negative_button)];
}

function overflow(block, item, surface) {
  const opener = h("button", { type: "button", class: "button more", "aria-label": "More actions", "data-action": item.action_id }, icon("more"));
  return withMenu(opener, "More actions", () => item.options.map((option) => ({
    label: textObject(option.text, surface.names),
    note: option.description?.text,
    choose: () => {
      press(block, item, surface, option.value, opener);
      if (option.url && /^https?:/i.test(option.url)) window.open(option.url, "_blank", "noopener,noreferrer");
    },
  })));
}

function choices(item, names) {
  if (item.type.endsWith("users_select")) {
    return [...names.people.values()].filter((one) => !one.deleted && !one.is_bot)
      .map((one) => ({ value: one.id, label: one.real_name, note: `@${one.name}` }));
  }
  if (item.type.endsWith("channels_select") || item.type.endsWith("conversations_select")) {
    return [...names.channels.values()].map((one) => ({ value: one.id, label: `#${one.name}` }));
  }
  return [
    ...(item.options ?? []).map((one) => option(one)),
    ...(item.option_groups ?? []).flatMap((group) => group.options.map((one) => option(one, group.label.text))),
    ...[item.initial_option, ...(item.initial_options ?? [])].filter((one) => one && item.type.endsWith("external_select")).map((one) => option(one)),
  ];
}

const option = (one, group) => ({ value: one.value, label: one.text.text, note: one.description?.text, group });

// A menu that asks the app for its options once enough is typed.
function asking(block, item, surface) {
  if (!item.type.endsWith("external_select")) return undefined;
  return async (typed) => {
    if (typed.length < (item.min_query_length ?? 3)) return [];
    const { options } = await surface.suggest({ action_id: item.action_id, block_id: block.block_id, value: typed });
    return options.map((one) => option(one));
  };
}

const SELECTED = ["selected_option", "selected_user", "selected_channel", "selected_conversation"];
const MANY = ["selected_options", "selected_users", "selected_channels", "selected_conversations"];
const plain = (chosen) => (chosen && typeof chosen === "object" ? chosen.value : chosen);
const picked = (state) => plain(SELECTED.map((name) => state[name]).find(Boolean));
const pickedMany = (state) => (MANY.map((name) => state[name]).find(Boolean) ?? []).map(plain);

function select(many) {
  return (block, item, surface, { id, described }) => {
    const now = current(block, item, surface);
    const words = item.placeholder?.text ?? (many ? "Select items" : "Select an item");
    const made = combobox({
      id, described, many, action: item.action_id, placeholder: words, label: id ? undefined : words, autofocus: item.focus_on_load,
      options: choices(item, surface.names),
      ask: asking(block, item, surface),
      chosen: many ? pickedMany(now) : [picked(now)].filter(Boolean),
      onChange: (values) => changed(block, item, surface, many ? values : values[0] ?? "", made),
    });
    return made;
  };
}

function boxes(type) {
  return (block, item, surface, { labelled, described }) => {
    const state = current(block, item, surface);
    const values = new Set(type === "radio" ? [picked(state)] : pickedMany(state));
    const group = h("div", { class: "choices", role: type === "radio" ? "radiogroup" : "group", "aria-labelledby": labelled, "aria-label": labelled ? undefined : item.action_id, "aria-describedby": described });
    for (const option of item.options) {
      const box = h("input", {
        type, name: key(block, item), value: option.value, checked: values.has(option.value),
        "data-action": `${item.action_id} ${option.value}`, on: { change: () => report() },
      });
      group.append(h("label", { class: "choice" }, box, h("span", {}, textObject(option.text, surface.names),
        option.description && h("small", {}, textObject(option.description, surface.names)))));
    }
    const report = () => {
      const on = [...group.querySelectorAll("input:checked")].map((box) => box.value);
      return changed(block, item, surface, type === "radio" ? on[0] : on, group);
    };
    return group;
  };
}

function input(type, read = (state) => state.value ?? "", write = (text) => text) {
  return (block, item, surface, { id, described }) => {
    const long = item.multiline || type === "rich";
    const made = h(long ? "textarea" : "input", {
      id, class: "control", type: long ? undefined : type, autocomplete: "off",
      placeholder: item.placeholder?.text, "aria-describedby": described, "data-action": item.action_id,
      "aria-label": id ? undefined : item.placeholder?.text ?? item.action_id,
      maxlength: type === "text" ? item.max_length ?? 3000 : undefined,
      min: item.min_value, max: item.max_value, step: item.is_decimal_allowed ? "any" : undefined,
      rows: long ? 4 : undefined, autofocus: item.focus_on_load,
      value: read(current(block, item, surface), surface.names),
    });
    const tell = () => changed(block, item, surface, write(made.value, surface.names), made);
    if (["date", "time", "datetime-local"].includes(type)) {
      made.addEventListener("change", tell);
    } else {
      made.addEventListener("input", () => surface.change(key(block, item), write(made.value, surface.names)));
      made.addEventListener("keydown", (event) => { if (event.key === "Enter" && !long && block.dispatch_action) tell(); });
    }
    return made;
  };
}

const rich = (text) => text && { type: "rich_text", elements: [{ type: "rich_text_section", elements: [{ type: "text", text }] }] };
const richWords = (state) => (state.rich_text_value?.elements ?? [])
  .map((section) => section.elements.map((part) => part.text ?? "").join("")).join("\n");

const BUILDERS = {
  button, overflow,
  icon_button: button, workflow_button: button, feedback_buttons: feedback,
  static_select: select(false), users_select: select(false), channels_select: select(false), conversations_select: select(false),
  external_select: select(false),
  multi_static_select: select(true), multi_users_select: select(true), multi_channels_select: select(true),
  multi_conversations_select: select(true), multi_external_select: select(true),
  checkboxes: boxes("checkbox"), radio_buttons: boxes("radio"),
  plain_text_input: input("text"), email_text_input: input("email"), url_text_input: input("url"), number_input: input("number"),
  rich_text_input: input("rich", richWords, rich),
  datepicker: input("date", (state) => state.selected_date ?? ""),
  timepicker: input("time", (state) => state.selected_time ?? ""),
  datetimepicker: input("datetime-local",
    (state, names) => (state.selected_date_time ? names.plain(state.selected_date_time).replace(" ", "T") : ""),
    (text, names) => text && names.moment(text)),
  file_input: () => h("div", { class: "hint" }, "Files cannot be attached here."),
};
