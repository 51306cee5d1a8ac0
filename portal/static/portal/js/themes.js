// The three buttons that choose light, dark or what the system says.

export function connect(element) {
  const buttons = [...element.querySelectorAll("button[value]")];

  function show() {
    for (const button of buttons) {
      button.setAttribute("aria-pressed", String(button.value === window.portalTheme.chosen()));
    }
  }

  for (const button of buttons) {
    button.addEventListener("click", () => {
      window.portalTheme.choose(button.value);
      show();
    });
  }
  element.hidden = false;
  show();
}
