// A file below a message. It can be saved and, if it is text, read here.

import { h, icon } from "./dom.js";

const TEXT = /\.(txt|md|json|csv|ya?ml|log|patch|diff|py|toml)$/i;
const LONGEST = 200_000;

export function file(one) {
  const shown = h("pre", { hidden: true, tabindex: "0", "aria-label": `Content of ${one.name}` });
  const opener = h("button", { type: "button", class: "plain", "aria-label": `Show ${one.name}`, title: "Show", "aria-expanded": "false", "data-action": `show ${one.id}`, on: { click: () => turn() } }, icon("down"));
  const turn = async () => {
    if (!shown.textContent) shown.textContent = (await (await fetch(one.url_private)).text()).slice(0, LONGEST);
    shown.hidden = !shown.hidden;
    opener.setAttribute("aria-expanded", String(!shown.hidden));
  };
  return h("div", { class: "file" },
    h("div", { class: "file-row" },
      h("span", { class: "file-sign" }, icon("file")),
      h("div", {}, h("div", { class: "file-name" }, one.title ?? one.name), h("div", { class: "file-note" }, `${kind(one.name)} · ${size(one.size)}`)),
      h("div", { class: "file-tools" },
        TEXT.test(one.name) && opener,
        h("a", { class: "plain", href: one.url_private, download: one.name, "aria-label": `Save ${one.name}`, title: "Save" }, icon("download")))),
    shown);
}

const kind = (name) => {
  const ending = /\.(\w+)$/.exec(name)?.[1];
  return ending ? ending.toUpperCase() : "File";
};

function size(bytes) {
  if (bytes < 1000) return `${bytes} bytes`;
  return bytes < 1_000_000 ? `${(bytes / 1000).toFixed(1)} kB` : `${(bytes / 1_000_000).toFixed(1)} MB`;
}
