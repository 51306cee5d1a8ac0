// A list that looks again by itself: switched off by a button, and still while somebody works in it.

const KEY = "portal.refresh";

export function connect(element) {
  const bar = element.querySelector("[data-switch]");
  const button = bar.querySelector("button");
  const told = bar.querySelector("[data-told]");
  let waited = 0;

  const on = () => localStorage.getItem(KEY) !== "off";

  function show() {
    button.setAttribute("aria-pressed", String(on()));
    told.textContent = on() ? told.dataset.on : told.dataset.off;
  }

  function busy(list) {
    return document.hidden || list.contains(document.activeElement) || list.querySelector("input:checked") !== null;
  }

  function second() {
    const list = element.querySelector("[data-every]");
    waited += 1;
    if (!on() || list === null || waited < Number(list.dataset.every) || busy(list)) return;
    waited = 0;
    window.htmx.trigger(element, "look");
  }

  button.addEventListener("click", () => {
    localStorage.setItem(KEY, on() ? "off" : "on");
    show();
  });
  bar.hidden = false;
  show();
  const clock = setInterval(second, 1000);
  element.addEventListener("portal:stopped", () => {
    clearInterval(clock);
    bar.hidden = true;
  });
  return () => clearInterval(clock);
}
