// The review desk. Without this file everything works; it keeps the list's place, and it keeps a
// second click or key press, meant for the ad before, from deciding one that nobody has seen yet.
(() => {
  const UNSEEN = 300; // milliseconds
  let drawnAt = -UNSEEN;
  let listTop = 0;

  const list = () => document.querySelector(".desk__list");
  const isDesk = (event) => event.detail.target?.id === "desk";

  document.addEventListener("htmx:beforeSwap", (event) => {
    if (isDesk(event)) listTop = list()?.scrollTop ?? 0;
  });

  document.addEventListener("htmx:afterSwap", (event) => {
    if (!isDesk(event)) return;
    drawnAt = performance.now();
    if (list()) list().scrollTop = listTop;
    list()?.querySelector("[aria-current]")?.scrollIntoView({ block: "nearest" });
  });

  document.addEventListener(
    "submit",
    (event) => {
      if (!event.target.matches("[data-decision]") || performance.now() - drawnAt > UNSEEN) return;
      event.preventDefault();
      event.stopImmediatePropagation();
    },
    true,
  );
})();
