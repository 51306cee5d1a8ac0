// Ctrl-Enter or ⌘-Enter sends the form from wherever in it somebody writes.

export function connect(form) {
  form.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey) || event.isComposing) return;
    event.preventDefault();
    form.requestSubmit();
  });
}
