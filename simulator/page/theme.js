// Light or dark: what the system says, until somebody chooses here. Every page of this browser follows.

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

// The choice, or, where it is what the system says anyway, none.
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
