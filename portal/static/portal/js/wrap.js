// Whether long lines are broken, here and on every later page.

const KEY = "portal.wrap";

export function connect(button) {
  const inside = document.querySelector(button.dataset.wrap) ?? button.closest("[data-wraps]");
  if (!inside) return;
  const on = () => localStorage.getItem(KEY) !== "off";

  function show() {
    button.setAttribute("aria-pressed", String(on()));
    inside.classList.toggle("ph-unwrapped", !on());
  }

  button.addEventListener("click", () => {
    localStorage.setItem(KEY, on() ? "off" : "on");
    show();
  });
  button.hidden = false;
  show();
}
