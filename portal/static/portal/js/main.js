// Finds every element with `data-controller="name …"` and lets `./name.js` connect it: one behaviour per file.
// A behaviour exports `connect(element)`; what it returns, if anything, is called when the element goes.

const connected = new Map();

async function bind(element) {
  const bound = connected.get(element) ?? new Map();
  connected.set(element, bound);
  for (const name of element.dataset.controller.split(/\s+/).filter((word) => /^[a-z-]+$/.test(word))) {
    if (bound.has(name)) continue;
    bound.set(name, null);
    const { connect } = await import(new URL(`./${name}.js`, import.meta.url).href);
    bound.set(name, connect(element) ?? null);
  }
}

function within(root) {
  const found = [...root.querySelectorAll("[data-controller]")];
  if (root instanceof Element && root.matches("[data-controller]")) found.unshift(root);
  return Promise.all(found.map(bind));
}

function forget() {
  for (const [element, bound] of connected) {
    if (element.isConnected) continue;
    for (const leave of bound.values()) leave?.();
    connected.delete(element);
  }
}

within(document).then(() => document.documentElement.setAttribute("data-connected", ""));
document.addEventListener("htmx:load", (event) => within(event.detail.elt));
document.addEventListener("portal:added", (event) => within(event.target));
document.addEventListener("htmx:afterSettle", forget);

// A refusal made for its target is shown there; what problem.js is to tell says so itself.
document.addEventListener("htmx:beforeSwap", (event) => {
  const { xhr } = event.detail;
  if (xhr.status < 400 || !xhr.getResponseHeader("Content-Type")?.startsWith("text/html")) return;
  const told = xhr.getResponseHeader("HX-Retarget") !== null;
  event.detail.shouldSwap = told || xhr.status === 422 || xhr.status === 409;
  event.detail.isError = told || !event.detail.shouldSwap;
});
