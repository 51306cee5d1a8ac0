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

// Problems come as pages of their own: they are shown where the answer would have been.
document.addEventListener("htmx:beforeSwap", (event) => {
  if (event.detail.xhr.status === 422 || event.detail.xhr.status === 409) {
    event.detail.shouldSwap = true;
    event.detail.isError = false;
  }
});
