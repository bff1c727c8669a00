// What opens beside something else, above everything: menus and lists. It is a popover, so it also stands above dialogs.

const GAP = 4;

// Under what it belongs to; above it where there is no room.
export function place(popover, beside, { align = "start", wide = false } = {}) {
  const box = beside.getBoundingClientRect();
  if (wide) popover.style.setProperty("width", `${Math.max(box.width, 180)}px`);
  const { width, height } = popover.getBoundingClientRect();
  const under = box.bottom + GAP + height <= innerHeight - 8 || box.top < height + GAP;
  const left = align === "end" ? box.right - width : box.left;
  popover.style.setProperty("left", `${Math.max(8, Math.min(left, innerWidth - width - 8))}px`);
  popover.style.setProperty("top", `${Math.max(8, under ? Math.min(box.bottom + GAP, innerHeight - height - 8) : box.top - GAP - height)}px`);
}

// Where it has to be in the document, so that an open dialog does not make it inert.
export const home = (element) => element.closest("dialog") ?? document.getElementById("layer");
