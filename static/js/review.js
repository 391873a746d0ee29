// The review desk. Without this file everything works; it keeps the list's place, shows a neighbour
// that was fetched ahead at once, and keeps a second click or key press, meant for the ad before,
// from deciding one that nobody has seen yet.
(() => {
  const UNSEEN = 300; // milliseconds
  let ahead = {}; // the card that was fetched ahead: its address, then its parts
  let drawnAt = -UNSEEN;
  let listTop = 0;

  const list = () => document.querySelector(".desk__list");
  const nextAddress = () => document.querySelector("#desk [data-key=j]")?.getAttribute("href");
  const isDesk = (event) => event.detail.target?.id === "desk";

  // --- The next card, before it is asked for ---------------------------------------------------
  // A desk that is fetched ahead is only a picture: inert, and no proof that anybody saw it. The
  // real answer, which counts as seen and can be decided, takes its place as soon as it is there.
  async function getNextReady() {
    const url = nextAddress();
    if (!url || ahead.url === url) return; // there, or on its way: one answer swaps several parts in
    const card = { url };
    ahead = card;
    try {
      const answer = await fetch(url, { headers: { "HX-Request": "true", "X-Prefetch": "1" } });
      if (!answer.ok || answer.redirected) return;
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      card.stage = page.querySelector("#desk > .desk__stage");
      card.facts = page.querySelector("#desk > .desk__facts");
    } catch {
      // Offline or away: the card then comes when it is asked for.
    }
  }

  function showAhead() {
    const desk = document.getElementById("desk");
    const [stage, facts] = [".desk__stage", ".desk__facts"].map((part) => desk.querySelector(part));
    if (ahead.url !== nextAddress() || !ahead.stage || !ahead.facts || !stage || !facts) return;
    for (const [old, fresh] of [[stage, ahead.stage], [facts, ahead.facts]]) {
      const picture = document.importNode(fresh, true);
      picture.inert = true;
      picture.querySelectorAll("[id]").forEach((part) => part.removeAttribute("id"));
      old.hidden = true;
      old.after(picture);
    }
    desk.querySelector(".decision-bar")?.setAttribute("aria-busy", "true");
  }

  document.addEventListener("htmx:beforeRequest", (event) => {
    if (!isDesk(event)) return;
    const source = event.detail.elt;
    if (source.matches("[data-key=j], form[data-decision]")) showAhead();
  });

  // A refusal before the answer: what was hidden comes back.
  function takeBack() {
    for (const picture of document.querySelectorAll("#desk > [inert]")) picture.remove();
    for (const part of document.querySelectorAll("#desk > [hidden]")) part.hidden = false;
    document.querySelector(".decision-bar")?.removeAttribute("aria-busy");
  }
  document.addEventListener("htmx:sendError", takeBack);
  document.addEventListener("htmx:timeout", takeBack);
  document.addEventListener("htmx:responseError", takeBack);

  document.addEventListener("htmx:beforeSwap", (event) => {
    if (isDesk(event)) listTop = list()?.scrollTop ?? 0;
  });

  document.addEventListener("htmx:afterSwap", (event) => {
    if (!isDesk(event)) return;
    drawnAt = performance.now();
    if (list()) list().scrollTop = listTop;
    list()?.querySelector("[aria-current]")?.scrollIntoView({ block: "nearest" });
    getNextReady();
  });

  document.addEventListener(
    "submit",
    (event) => {
      const isBusy = event.target.closest("[aria-busy]");
      const isEarly = performance.now() - drawnAt <= UNSEEN;
      if (!event.target.matches("[data-decision]") || !(isBusy || isEarly)) return;
      event.preventDefault();
      event.stopImmediatePropagation();
    },
    true,
  );

  // --- Comments: the words that are marked in the ad go along ----------------------------------
  // Pressing the link with the mouse would take the mark away before it is read.
  document.addEventListener("mousedown", (event) => {
    if (event.target.closest("[data-comment]")) event.preventDefault();
  });

  function markedWords() {
    const marked = getSelection();
    const words = marked.toString().trim();
    const from = marked.rangeCount && marked.getRangeAt(0).startContainer.parentElement;
    if (!words || !from?.closest(".desk__stage, [data-field]")) return {};
    const text = from.closest("[data-field]");
    if (!text) return { words };
    const before = document.createRange();
    before.setStart(text, 0);
    before.setEnd(marked.getRangeAt(0).startContainer, marked.getRangeAt(0).startOffset);
    return { words, field: text.dataset.field, near: [...before.toString()].length };
  }

  document.addEventListener("htmx:configRequest", (event) => {
    if (!event.detail.elt.matches("[data-comment]")) return;
    for (const [name, value] of Object.entries(markedWords())) event.detail.parameters[name] = value;
  });

  getNextReady();
})();
