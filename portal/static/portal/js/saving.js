// Tells when what was written could not be sent, and sends it again. What was refused is told by the answer itself.

import { hopeless } from "./problem.js";

const AGAIN = 5000; // milliseconds

export function connect(status) {
  const form = status.closest("form");
  let waiting = 0;
  let renewed = false;
  let out = false;

  function tell(words) {
    const told = document.createElement("span");
    told.className = "ph-draft-bad";
    told.textContent = words;
    status.replaceChildren(told);
  }

  // Signing in, in another window, made the token of this page's forms worthless: once it is fetched anew.
  async function renew() {
    if (renewed) return;
    renewed = true;
    const start = document.querySelector("a.ph-brand").href; // a page that is always there, with a form
    const answer = await fetch(start, { credentials: "same-origin" }).catch(() => null);
    if (!answer?.ok || answer.redirected) {
      renewed = false;
      return;
    }
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
    const token = fresh.querySelector("input[name=csrfmiddlewaretoken]")?.value;
    if (!token) return;
    for (const field of document.querySelectorAll("input[name=csrfmiddlewaretoken]")) field.value = token;
    form.dispatchEvent(new Event("input", { bubbles: true }));
  }

  const sending = () => clearTimeout(waiting);
  const lost = (event) => {
    const answer = event.detail.xhr?.status ?? 0;
    out = answer === 401;
    const barred = answer === 401 || answer === 403;
    tell(barred ? status.dataset.barred : hopeless(answer) ? status.dataset.refused : status.dataset.lost);
    if (answer === 403 && event.detail.xhr.getResponseHeader("HX-Retarget") === null) renew();
    if (!hopeless(answer)) waiting = setTimeout(() => form.dispatchEvent(new Event("input", { bubbles: true })), AGAIN);
  };
  const events = ["htmx:sendError", "htmx:timeout", "htmx:responseError"];
  status.addEventListener("htmx:beforeRequest", sending);
  status.addEventListener("htmx:afterRequest", (event) => {
    if (event.detail.successful) renewed = out = false;
  });
  for (const name of events) status.addEventListener(name, lost);
  // Whoever comes back from signing in elsewhere finds what was written saved.
  const back = () => {
    if (out) renew();
  };
  window.addEventListener("focus", back);
  return () => {
    sending();
    window.removeEventListener("focus", back);
  };
}
