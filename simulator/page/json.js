// JSON with keys and values in different colours, all as text nodes.

import { h } from "./dom.js";

export function coloured(json) {
  const nodes = [];
  let from = 0;
  for (const match of json.matchAll(/("(?:[^"\\]|\\.)*")(\s*:)?|\b(?:true|false|null|-?\d[\d.e+-]*)\b/g)) {
    nodes.push(json.slice(from, match.index));
    const [whole, string, colon] = match;
    nodes.push(h("span", { class: string ? (colon ? "key" : "string") : "other" }, whole));
    from = match.index + whole.length;
  }
  return [...nodes, json.slice(from)];
}
