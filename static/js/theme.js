// Runs before the first paint, so that neither the theme nor the printed keys flash.
(() => {
  const root = document.documentElement;
  let stored = {};
  try {
    stored = { theme: localStorage.getItem("theme"), keys: localStorage.getItem("keys") };
  } catch {
    // Storage can be blocked; the system's theme and keys on are the defaults.
  }
  if (stored.theme === "light" || stored.theme === "dark") root.dataset.theme = stored.theme;
  root.dataset.keys = stored.keys === "off" ? "off" : "on";
  root.dataset.js = "";
})();
