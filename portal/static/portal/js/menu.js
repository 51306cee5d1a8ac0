// The button that opens the navigation on a narrow screen; Escape closes it again.

export function connect(button) {
  const open = (yes) => button.setAttribute("aria-expanded", String(yes));

  function escape(event) {
    if (event.key !== "Escape" || button.getAttribute("aria-expanded") !== "true") return;
    open(false);
    button.focus();
  }

  button.addEventListener("click", () => open(button.getAttribute("aria-expanded") !== "true"));
  document.addEventListener("keydown", escape);
  return () => document.removeEventListener("keydown", escape);
}
