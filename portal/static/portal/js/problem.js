// Tells in one place of the page what htmx was refused, and stops what looks again by itself where that cannot help.

const PASSING = new Set([408, 425, 429]);
const ENOUGH = 2; // times in a row without an answer: one may be chance

export const hopeless = (status) => status >= 400 && status < 500 && !PASSING.has(status);

const looks = (element) => /^(every|look)\b/.test(element.getAttribute("hx-trigger") ?? "");

function stop(element) {
  for (const name of ["hx-get", "hx-trigger"]) element.removeAttribute(name);
  window.htmx.process(element);
  for (const words of element.querySelectorAll("[data-while]")) words.hidden = true;
  element.dispatchEvent(new CustomEvent("portal:stopped"));
}

export function connect(place) {
  const missed = new Map(); // what looks again by itself: how often in a row it got no answer
  let about = null; // whose refusal is told; `missed` for all of those

  function tell(name) {
    const words = place.parentElement.querySelector(`template[data-problem="${name}"]`).content.cloneNode(true);
    const link = words.querySelector("a[data-next]");
    if (link) {
      link.href = `${link.dataset.next}?${new URLSearchParams({ next: location.pathname + location.search })}`;
      // What somebody is writing stays on its page.
      if (document.querySelector("form[data-controller~=unsaved]")) link.target = "_blank";
    }
    words.querySelector(".ph-message").setAttribute("role", "alert");
    place.replaceChildren(words);
    place.dispatchEvent(new CustomEvent("portal:added", { bubbles: true }));
  }

  const away = () => [...missed].some(([element, times]) => element.isConnected && times >= ENOUGH);

  // It goes on asking, but what stands there may be old by now.
  function miss(element) {
    missed.set(element, (missed.get(element) ?? 0) + 1);
    if (missed.get(element) !== ENOUGH || about === missed) return;
    about = missed;
    tell("silent");
  }

  function refused(event) {
    const { xhr, requestConfig } = event.detail;
    const element = requestConfig?.elt ?? event.target;
    const status = xhr?.status ?? 0;
    if (!hopeless(status)) {
      if (looks(element)) miss(element);
      if (looks(element) || element.matches("[data-controller~=saving]")) return; // it is asked again
    }
    about = element;
    if (status === 401) tell("signed-out");
    else if (status === 413) tell("too-large");
    else if (!xhr?.getResponseHeader("HX-Retarget")) tell(hopeless(status) ? "refused" : "unanswered");
    if (looks(element)) stop(element);
  }

  // What is done at last is not told as refused any more.
  function answered(event) {
    const { successful, requestConfig } = event.detail;
    if (!successful) return;
    missed.delete(requestConfig.elt);
    if (about === missed ? away() : about !== requestConfig.elt) return;
    about = null;
    place.replaceChildren();
  }

  const events = ["htmx:responseError", "htmx:sendError", "htmx:timeout"];
  for (const name of events) document.addEventListener(name, refused);
  document.addEventListener("htmx:afterRequest", answered);
}
