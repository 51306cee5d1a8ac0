// Tells when what was written could not be sent, and sends it again. What was refused is told by the answer itself.

const AGAIN = 5000; // milliseconds

export function connect(status) {
  const form = status.closest("form");
  let waiting = 0;

  function tell(words) {
    const told = document.createElement("span");
    told.className = "ph-draft-bad";
    told.textContent = words;
    status.replaceChildren(told);
  }

  const sending = () => clearTimeout(waiting);
  const lost = (event) => {
    const answer = event.detail.xhr?.status ?? 0;
    if (answer === 409 || answer === 422) return;
    const barred = answer === 401 || answer === 403;
    tell(barred ? status.dataset.barred : status.dataset.lost);
    if (!barred) waiting = setTimeout(() => form.dispatchEvent(new Event("input", { bubbles: true })), AGAIN);
  };
  const events = ["htmx:sendError", "htmx:timeout", "htmx:responseError"];
  status.addEventListener("htmx:beforeRequest", sending);
  for (const name of events) status.addEventListener(name, lost);
  return sending;
}
