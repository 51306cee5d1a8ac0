// A message that can be put away: focus goes to the page, not to nowhere.

export function connect(element) {
  const button = element.querySelector("button[data-dismiss]");
  button.hidden = false;
  button.addEventListener("click", () => {
    element.remove();
    document.querySelector("main")?.focus();
  });
}
