// Turns blocks into elements.

import { h, icon } from "./dom.js";
import { element, isGroup } from "./elements.js";
import { link, markdown, textObject } from "./mrkdwn.js";
import { richText } from "./richtext.js";

let made = 0;

export function blocks(list, surface) {
  return h("div", { class: "blocks" }, list.map((block) => {
    const build = BUILDERS[block.type];
    return build ? build(block, surface) : h("div", { class: "unsupported" }, `(${block.type} block)`);
  }));
}

function section(block, { names, ...surface }) {
  return h("div", { class: "section" },
    h("div", { class: "section-body" },
      block.text && h("div", { class: "text" }, textObject(block.text, names)),
      block.fields && h("div", { class: "fields" }, block.fields.map((field) => h("div", { class: "text" }, textObject(field, names))))),
    block.accessory && h("div", { class: "accessory" },
      block.accessory.type === "image" ? image(block.accessory) : element(block, block.accessory, { names, ...surface })));
}

// Loads only pictures from this machine. Of others it shows the name.
function image(item, { titled = false } = {}) {
  const url = item.image_url ?? "";
  const own = url.startsWith("data:image/") || url.startsWith(`${location.origin}/`);
  const shown = own
    ? h("img", { src: url, alt: item.alt_text })
    : h("span", { class: "picture", role: "img", "aria-label": item.alt_text, title: url }, icon("image"), h("span", {}, item.alt_text));
  return titled && item.title ? h("figure", {}, h("figcaption", {}, item.title.text), shown) : shown;
}

function input(block, surface) {
  const id = `input-${(made += 1)}`;
  const error = surface.errors?.[block.block_id];
  const described = [block.hint && `${id}-hint`, error && `${id}-error`].filter(Boolean).join(" ") || undefined;
  const group = isGroup(block.element);
  const control = element(block, block.element, surface, group ? { labelled: `${id}-label`, described } : { id, described });
  if (error) (control.querySelector?.("input") ?? control).setAttribute("aria-invalid", "true");
  const words = [textObject(block.label, surface.names), block.optional && h("span", { class: "optional" }, " (optional)")];
  return h("div", { class: `input${error ? " invalid" : ""}` },
    group ? h("div", { class: "label", id: `${id}-label` }, words) : h("label", { for: id }, words),
    control,
    error && h("div", { class: "error", id: `${id}-error`, role: "alert" }, icon("warning"), error),
    block.hint && h("div", { class: "hint", id: `${id}-hint` }, textObject(block.hint, surface.names)));
}

function table(block, { names }) {
  const cell = (content, tag, at) => h(tag, { class: `align-${block.column_settings?.[at]?.align ?? "left"}` },
    content.elements ? richText(content, names) : content.text);
  const [head, ...body] = block.rows;
  return h("div", { class: "table" }, h("table", {},
    h("thead", {}, h("tr", {}, head.map((content, at) => cell(content, "th", at)))),
    h("tbody", {}, body.map((row) => h("tr", {}, row.map((content, at) => cell(content, "td", at)))))));
}

function card(block, surface) {
  const part = (name, kind) => block[name] && h("div", { class: `text ${kind}` }, textObject(block[name], surface.names));
  return h("div", { class: "card" },
    part("title", "card-title"), part("subtitle", "card-subtitle"), part("body", "card-body"),
    block.actions && h("div", { class: "actions" }, block.actions.map((item) => element(block, item, surface))));
}

const words = (text) => (typeof text === "string" ? text : text?.text ?? "");

function video(block) {
  return h("div", { class: "video" },
    h("strong", {}, block.title_url ? link(block.title_url, block.title.text) : block.title.text),
    block.description && h("div", {}, block.description.text),
    h("span", { class: "picture", role: "img", "aria-label": block.alt_text, title: block.thumbnail_url }, icon("image"), block.alt_text));
}

function task(item, { names }) {
  const status = item.status ?? "pending";
  const part = (content) => content?.elements && richText(content, names);
  return h("div", { class: `task ${status}` }, h("span", { class: "mark", role: "img", "aria-label": status.replace("_", " ") }),
    h("div", {}, words(item.title)), part(item.details), part(item.output));
}

function plan(block, surface) {
  return h("div", { class: "plan" }, h("div", { class: "plan-title" }, words(block.title)), (block.tasks ?? []).map((item) => task(item, surface)));
}

const BUILDERS = {
  section,
  input,
  table,
  card,
  header: (block) => h("h3", { class: `header level-${block.level ?? 2}` }, textObject(block.text, {})),
  divider: () => h("hr"),
  context: (block, { names }) => h("div", { class: "context" }, block.elements.map((item) =>
    item.type === "image" ? image(item) : h("span", { class: "text" }, textObject(item, names)))),
  actions: (block, surface) => h("div", { class: "actions" }, block.elements.map((item) => element(block, item, surface))),
  context_actions: (block, surface) => h("div", { class: "actions small" }, block.elements.map((item) => element(block, item, surface))),
  image: (block) => h("div", { class: "image" }, image(block, { titled: true })),
  rich_text: (block, { names }) => richText(block, names),
  markdown: (block) => markdown(block.text),
  alert: (block, { names }) => h("div", { class: `alert ${block.level ?? "default"}`, role: "note" }, textObject(block.text, names)),
  video,
  plan,
  task_card: (block, surface) => h("div", { class: "plan" }, task(block, surface)),
};
