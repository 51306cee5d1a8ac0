// Asks before a page with unsaved writing is left. What was saved meanwhile needs no question.

export function connect(form) {
  let unsaved = "unsaved" in form.dataset;
  let changes = 0;
  let sentWith = 0;
  const written = () => {
    unsaved = true;
    changes += 1;
  };
  const sending = (event) => {
    if (event.target.id === "draft-status") sentWith = changes;
  };
  // What was written while it was being saved is not saved.
  const saved = (event) => {
    if (event.target.querySelector?.("[data-saved]") && changes === sentWith) unsaved = false;
  };
  const leaving = (event) => {
    if (unsaved) event.preventDefault();
  };
  const sent = () => {
    unsaved = false;
  };
  form.addEventListener("input", written);
  form.addEventListener("submit", sent);
  form.addEventListener("htmx:configRequest", sending);
  form.addEventListener("htmx:afterSwap", saved);
  window.addEventListener("beforeunload", leaving);
  return () => window.removeEventListener("beforeunload", leaving);
}
