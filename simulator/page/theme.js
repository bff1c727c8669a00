// Light or dark: the system's setting, until somebody chooses here. All pages in this browser follow.

const KEY = "theme";
const system = matchMedia("(prefers-color-scheme: dark)");

function chosen() {
  try {
    return localStorage.getItem(KEY);
  } catch {
    return null;
  }
}

function apply() {
  const theme = chosen();
  if (theme) document.documentElement.dataset.theme = theme;
  else delete document.documentElement.dataset.theme;
}

export const isDark = () => (chosen() ?? (system.matches ? "dark" : "light")) === "dark";

export function follow(onChange) {
  const changed = () => { apply(); onChange(); };
  window.addEventListener("storage", (event) => { if (event.key === KEY) changed(); });
  system.addEventListener("change", changed);
  apply();
}

// Stores the choice, or nothing if it is the same as the system's.
export function turn() {
  const wanted = isDark() ? "light" : "dark";
  try {
    if ((wanted === "dark") === system.matches) localStorage.removeItem(KEY);
    else localStorage.setItem(KEY, wanted);
    apply();
  } catch {
    document.documentElement.dataset.theme = wanted;
  }
}
