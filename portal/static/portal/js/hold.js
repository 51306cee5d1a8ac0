// Whoever has the focus in what looks again by itself keeps it there: htmx finds it again by its id, or else the part.

export function connect(frame) {
  let held = "";

  frame.addEventListener("htmx:beforeSwap", (event) => {
    held = event.detail.target.contains(document.activeElement) ? event.detail.target.id : "";
  });
  frame.addEventListener("htmx:afterSettle", () => {
    if (held && document.activeElement === document.body) document.getElementById(held)?.focus();
    held = "";
  });
}
