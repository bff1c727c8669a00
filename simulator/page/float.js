// Menus and lists that open next to an element. Each is a popover, so it also appears above dialogs.

const GAP = 4;

// Below its element, or above it if there is no room.
export function place(popover, beside, { align = "start", wide = false } = {}) {
  const box = beside.getBoundingClientRect();
  if (wide) popover.style.setProperty("width", `${Math.max(box.width, 180)}px`);
  const { width, height } = popover.getBoundingClientRect();
  const under = box.bottom + GAP + height <= innerHeight - 8 || box.top < height + GAP;
  const left = align === "end" ? box.right - width : box.left;
  popover.style.setProperty("left", `${Math.max(8, Math.min(left, innerWidth - width - 8))}px`);
  popover.style.setProperty("top", `${Math.max(8, under ? Math.min(box.bottom + GAP, innerHeight - height - 8) : box.top - GAP - height)}px`);
}

// The parent for it in the document: inside an open dialog, because everything outside is inert.
export const home = (element) => element.closest("dialog") ?? document.getElementById("layer");
