// What every page can do. No markup is built from strings, nothing is evaluated, nothing is inline.
(() => {
  const root = document.documentElement;
  const one = (selector, from = document) => from.querySelector(selector);
  const all = (selector, from = document) => [...from.querySelectorAll(selector)];

  function remember(name, value) {
    try {
      localStorage.setItem(name, value);
    } catch {
      // Storage can be blocked; the choice then lasts for this page.
    }
  }

  function announce(text) {
    const place = one("[data-announcer]");
    place.textContent = "";
    setTimeout(() => (place.textContent = text), 50);
  }

  // --- Theme and keys: two switches in the user's menu ---------------------------------------
  function showSwitches() {
    for (const choice of all("[data-theme-choice]")) {
      choice.setAttribute("aria-pressed", choice.dataset.themeChoice === (root.dataset.theme ?? ""));
    }
    for (const choice of all("[data-keys-switch]")) {
      choice.setAttribute("aria-pressed", root.dataset.keys === "on");
      one("[data-keys-state]", choice).textContent = root.dataset.keys;
    }
    for (const control of all("[data-key]")) {
      if (root.dataset.keys === "on") control.setAttribute("aria-keyshortcuts", control.dataset.key);
      else control.removeAttribute("aria-keyshortcuts");
    }
  }

  function chooseTheme(theme) {
    if (theme) root.dataset.theme = theme;
    else delete root.dataset.theme;
    remember("theme", theme);
    showSwitches();
  }

  function switchKeys() {
    root.dataset.keys = root.dataset.keys === "on" ? "off" : "on";
    remember("keys", root.dataset.keys);
    showSwitches();
  }

  // --- Keys: declared in the markup by data-key ----------------------------------------------
  const TYPED = 'textarea, select, [contenteditable=""], [contenteditable="true"], input:not([type="checkbox"], [type="radio"], [type="button"], [type="submit"], [type="reset"])';
  // Inside a closed <details> an element still has boxes; checkVisibility knows better.
  const isInReach = (control) => "keyAlways" in control.dataset || control.checkVisibility({ visibilityProperty: true });

  function wordsOf(control) {
    if (control.dataset.keyLabel) return control.dataset.keyLabel;
    if (control.ariaLabel) return control.ariaLabel;
    const copy = control.cloneNode(true);
    for (const hint of all("kbd, [aria-hidden]", copy)) hint.remove();
    return (copy.textContent || control.placeholder || "").replace(/\s+/g, " ").trim();
  }

  function usableControls() {
    const dialog = one("dialog[open]");
    return all("[data-key]", dialog ?? document).filter(
      (control) => !control.disabled && isInReach(control),
    );
  }

  function onKey(event) {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    if (event.key === "Escape") return closeMenus(event.target.closest?.("details.menu[open]"));
    if (root.dataset.keys !== "on" || event.target.closest?.(TYPED)) return;
    const control = usableControls().find((candidate) => candidate.dataset.key === event.key);
    if (!control) return;
    event.preventDefault();
    if (control.matches(TYPED)) return control.focus();
    if (control.matches("summary")) control.focus();
    if (!event.repeat || control.dataset.keyRepeat !== undefined) control.click();
  }

  function listKeys() {
    const rows = usableControls().map((control) => {
      const row = document.createElement("div");
      const word = document.createElement("dt");
      const place = document.createElement("dd");
      const key = document.createElement("kbd");
      row.className = "keys__row";
      word.textContent = wordsOf(control);
      key.textContent = control.dataset.key;
      place.append(key);
      row.append(word, place);
      return row;
    });
    one("[data-keys-list]")?.replaceChildren(...rows);
  }

  // --- Menus and dialogs ---------------------------------------------------------------------
  function closeMenus(focusBack) {
    for (const menu of all("details.menu[open]")) menu.open = false;
    if (focusBack) one("summary", focusBack).focus();
  }

  function openDialog(id) {
    closeMenus();
    if (id === "keys") listKeys();
    document.getElementById(id)?.showModal();
  }

  // --- Copying and closing -------------------------------------------------------------------
  async function copy(button) {
    const label = one("[data-copy-label]", button) ?? button;
    const before = label.textContent;
    try {
      await navigator.clipboard.writeText(button.dataset.copy);
      label.textContent = "Copied";
      announce("Copied");
    } catch {
      label.textContent = "Select and copy by hand";
    }
    setTimeout(() => (label.textContent = before), 2000);
  }

  function onClick(event) {
    const hit = (selector) => event.target.closest(selector);
    for (const menu of all("details.menu[open]")) if (!menu.contains(event.target)) menu.open = false;
    if (event.target.matches("dialog")) return event.target.close();
    const theme = hit("[data-theme-choice]");
    if (theme) return chooseTheme(theme.dataset.themeChoice);
    if (hit("[data-keys-switch]")) return switchKeys();
    const opener = hit("[data-opens]");
    if (opener) return openDialog(opener.dataset.opens);
    const copier = hit("[data-copy]");
    if (copier) return copy(copier);
    if (hit("[data-close]")) {
      hit("[data-closable]").remove();
      one("#main")?.focus();
    }
  }

  // --- Counters: characters after NFC, line ends as one, like the server ----------------------
  const lengthOf = (text) => [...text.replace(/\r\n?/g, "\n").normalize("NFC")].length;
  const pauses = new WeakMap();

  function count(counter, spoken) {
    const field = document.getElementById(counter.dataset.counterFor);
    if (!field) return;
    const limit = Number(counter.dataset.limit);
    const used = lengthOf(field.value);
    one("[data-counter-text]", counter).textContent = `${used} / ${limit}`;
    counter.classList.toggle("is-over", used > limit);
    counter.classList.toggle("is-near", used <= limit && used > limit * 0.9);
    if (!spoken) return;
    clearTimeout(pauses.get(counter));
    const words = used > limit ? `${used - limit} characters too many` : `${limit - used} characters left`;
    if (used > limit * 0.9) {
      pauses.set(counter, setTimeout(() => (one("[data-counter-spoken]", counter).textContent = words), 900));
    }
  }

  function onInput(event) {
    if (!event.target.id) return;
    for (const counter of all(`[data-counter-for="${CSS.escape(event.target.id)}"]`)) count(counter, true);
  }

  // --- htmx: keep the focus, say what went wrong ----------------------------------------------
  let focusedBefore = null;

  // The look of what is typed asks by itself: its answer must never take the words away.
  const isOfTyping = (event) => event.detail.target?.id === "as-typed";

  function beforeSwap(event) {
    // The session ended meanwhile: load the whole page, which leads to the sign-in and back here.
    if (new URL(event.detail.xhr.responseURL, location.href).pathname === "/sign-in/") {
      event.detail.shouldSwap = false;
      if (!isOfTyping(event)) location.reload();
      return;
    }
    const active = document.activeElement;
    const inside = active && event.detail.target.contains(active) && active !== document.body;
    focusedBefore = inside ? { id: active.id, key: active.dataset.key } : null;
  }

  function afterSettle(event) {
    prepare();
    const fresh = event.detail.elt;
    const wanted = fresh.matches("[data-focus]") ? fresh : one("[data-focus]", fresh);
    if (wanted) return focus(wanted);
    if (!focusedBefore || document.activeElement !== document.body) return;
    const { id, key } = focusedBefore;
    const same = (id && document.getElementById(id)) || (key && one(`[data-key="${CSS.escape(key)}"]`));
    focus(same || fresh);
  }

  function focus(element) {
    if (element.tabIndex < 0) element.tabIndex = -1;
    element.focus({ preventScroll: !element.matches("[data-focus]") });
  }

  function showProblem(event) {
    // Gone, or no longer ours: a member who was removed, say. The page itself says what is true.
    if (event.detail.xhr?.status === 404 && !isOfTyping(event)) return location.reload();
    const copyOfNotice = one("template[data-problem]").content.cloneNode(true);
    one("#messages")?.replaceChildren(copyOfNotice);
  }

  function prepare() {
    showSwitches();
    for (const counter of all("[data-counter-for]")) count(counter, false);
  }

  document.addEventListener("keydown", onKey);
  document.addEventListener("click", onClick);
  document.addEventListener("input", onInput);
  document.addEventListener("announce", (event) => announce(event.detail.value));
  document.addEventListener("htmx:beforeSwap", beforeSwap);
  document.addEventListener("htmx:afterSettle", afterSettle);
  document.addEventListener("htmx:responseError", showProblem);
  document.addEventListener("htmx:sendError", showProblem);
  document.addEventListener("htmx:timeout", showProblem);
  prepare();
})();
