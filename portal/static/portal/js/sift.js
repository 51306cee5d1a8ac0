// A long list by words: what does not hold them is not shown. Arrow keys go from one entry to the next.

export function connect(element) {
  const box = element.querySelector("input[type=search]");
  const told = element.querySelector("[data-told]");
  const entries = [...element.querySelectorAll("li")];
  const shown = () => entries.filter((entry) => !entry.hidden);

  box.closest("[hidden]")?.removeAttribute("hidden");
  box.addEventListener("input", () => {
    const wanted = box.value.trim().toLowerCase();
    for (const entry of entries) entry.hidden = !entry.textContent.toLowerCase().includes(wanted);
    told.textContent = wanted ? `${shown().length} / ${entries.length}` : "";
  });
  element.addEventListener("keydown", (event) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!step) return;
    const list = shown();
    const at = list.findIndex((entry) => entry.contains(document.activeElement));
    if (at < 0 && (event.target !== box || step < 0)) return;
    event.preventDefault();
    list[at + step]?.querySelector("a").focus();
  });
}
