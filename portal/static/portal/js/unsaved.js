// Asks before a page with unsaved writing is left. What was saved meanwhile needs no question.

export function connect(form) {
  let unsaved = "unsaved" in form.dataset;
  const written = () => {
    unsaved = true;
  };
  const saved = (event) => {
    if (event.target.querySelector?.("[data-saved]")) unsaved = false;
  };
  const leaving = (event) => {
    if (unsaved) event.preventDefault();
  };
  const sent = () => {
    unsaved = false;
  };
  form.addEventListener("input", written);
  form.addEventListener("submit", sent);
  form.addEventListener("htmx:afterSwap", saved);
  window.addEventListener("beforeunload", leaving);
  return () => window.removeEventListener("beforeunload", leaving);
}
