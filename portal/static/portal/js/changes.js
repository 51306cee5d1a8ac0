// From one change of a comparison to the next: buttons, and the keys n and p while the focus is within it.

const TYPING = "input, textarea, select, [contenteditable]";

export function connect(element) {
  const places = [...element.querySelectorAll("[id^='change-']")];
  const bar = element.querySelector(".ph-diff-bar");
  if (!bar || places.length === 0) return undefined;
  const told = bar.querySelector("[data-place]");
  let at = -1;

  function go(step) {
    at = (at + step + places.length) % places.length;
    places[at].closest("details")?.setAttribute("open", "");
    places[at].focus({ preventScroll: true });
    places[at].scrollIntoView({ block: "center" });
    told.textContent = `${at + 1} / ${places.length}`;
  }

  function pressed(event) {
    if (event.altKey || event.ctrlKey || event.metaKey || event.target.closest(TYPING)) return;
    if (event.key === "n") go(1);
    if (event.key === "p") go(at < 0 ? 0 : -1);
  }

  for (const words of bar.querySelectorAll("[data-key]")) words.hidden = false;
  for (const control of bar.querySelectorAll("[data-step]")) {
    control.hidden = false;
    control.addEventListener("click", (event) => {
      event.preventDefault();
      go(Number(control.dataset.step));
    });
  }
  const folds = [...element.querySelectorAll("details.ph-diff-fold")];
  const unfold = bar.querySelector("[data-unfold]");
  unfold.hidden = folds.length === 0;
  unfold.addEventListener("click", () => {
    const open = unfold.getAttribute("aria-pressed") !== "true";
    unfold.setAttribute("aria-pressed", String(open));
    for (const fold of folds) fold.open = open;
  });
  element.addEventListener("keydown", pressed);
  return () => element.removeEventListener("keydown", pressed);
}
