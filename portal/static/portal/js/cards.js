// The messages of a chat prompt: moved, added and removed in place. Without it the same buttons send the form.

const KEY = "__key__";

export function connect(element) {
  const list = element.querySelector("[data-cards]");
  const blank = element.querySelector("template");
  const told = element.querySelector("[data-told]");
  const undo = element.querySelector("[data-undo]");
  if (!blank) return;
  let removed = null;

  const cards = () => [...list.children];
  const place = (card) => cards().indexOf(card) + 1;
  const way = (card, verb) => card.querySelector(`button[value^="${verb}:"]`);

  function tell(words, numbers) {
    told.textContent = words.replace(/\{(\w+)\}/g, (_all, name) => String(numbers[name]));
  }

  // What depends on the order, and what else listens to what is written.
  function settle(keepsRemoved = false) {
    const all = cards();
    for (const [index, card] of all.entries()) {
      card.querySelector("[data-number]").textContent = String(index + 1);
      way(card, "up").disabled = index === 0;
      way(card, "down").disabled = index === all.length - 1;
    }
    if (!keepsRemoved) removed = null;
    undo.hidden = removed === null;
    list.dispatchEvent(new Event("input", { bubbles: true }));
  }

  function move(card, verb) {
    const from = place(card);
    const other = verb === "up" ? card.previousElementSibling : card.nextElementSibling;
    if (!other) return;
    if (verb === "up") other.before(card);
    else other.after(card);
    settle();
    const button = way(card, verb);
    (button.disabled ? way(card, verb === "up" ? "down" : "up") : button).focus();
    tell(told.dataset.moved, { from, to: place(card), count: cards().length });
  }

  function add(role) {
    const keys = cards().map((card) => Number.parseInt(card.querySelector("[name=card]").value, 10) || 0);
    const key = String(Math.max(-1, ...keys) + 1);
    const card = blank.content.querySelector("[data-card]").cloneNode(true);
    for (const part of card.querySelectorAll("*")) {
      for (const attribute of part.attributes) {
        if (attribute.value.includes(KEY)) attribute.value = attribute.value.replaceAll(KEY, key);
      }
    }
    card.querySelector("select").value = role;
    list.append(card);
    card.dispatchEvent(new Event("portal:added", { bubbles: true }));
    settle();
    card.querySelector(role === "placeholder" ? "input:not([type=hidden])" : "textarea").focus();
    tell(told.dataset.added, { to: place(card), count: cards().length });
  }

  function remove(card) {
    const from = place(card);
    removed = { card, before: card.nextElementSibling };
    card.remove();
    settle(true);
    undo.focus();
    tell(told.dataset.removed, { from, count: cards().length });
  }

  function restore() {
    const { card, before } = removed;
    list.insertBefore(card, before?.isConnected ? before : null);
    settle();
    way(card, "remove").focus();
    tell(told.dataset.restored, { to: place(card) });
  }

  // By the grip alone: the rest of a card is text, to be marked with the mouse.
  let dragged = null;

  const grips = () => list.querySelectorAll("[data-grip]").forEach((grip) => (grip.hidden = false));

  function begin(event) {
    const card = event.target.closest("[data-card]");
    if (!card?.draggable) return;
    dragged = { card, from: place(card), before: card.nextElementSibling };
    event.dataTransfer.effectAllowed = "move";
    event.dataTransfer.setData("text/plain", "");
    card.classList.add("ph-card-dragged");
  }

  function over(event) {
    if (!dragged) return;
    event.preventDefault();
    const other = event.target.closest("[data-card]");
    if (!other || other === dragged.card) return;
    const box = other.getBoundingClientRect();
    if (event.clientY < box.top + box.height / 2) other.before(dragged.card);
    else other.after(dragged.card);
  }

  function end(event) {
    if (!dragged) return;
    const { card, from, before } = dragged;
    dragged = null;
    card.draggable = false;
    card.classList.remove("ph-card-dragged");
    if (event.dataTransfer.dropEffect === "none") list.insertBefore(card, before); // left outside, or Escape
    if (place(card) === from) return;
    settle();
    tell(told.dataset.moved, { from, to: place(card), count: cards().length });
  }

  grips();
  list.addEventListener("portal:added", grips);
  list.addEventListener("pointerdown", (event) => {
    const grip = event.target.closest("[data-grip]");
    if (grip) grip.closest("[data-card]").draggable = true;
  });
  list.addEventListener("pointerup", () => cards().forEach((card) => (card.draggable = false)));
  list.addEventListener("dragstart", begin);
  list.addEventListener("dragover", over);
  list.addEventListener("drop", (event) => dragged && event.preventDefault());
  list.addEventListener("dragend", end);

  element.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (button === undo) restore();
    if (button?.name !== "move") return;
    event.preventDefault();
    const [verb, word] = button.value.split(":");
    if (verb === "add") add(word);
    else if (verb === "remove") remove(button.closest("[data-card]"));
    else move(button.closest("[data-card]"), verb);
  });
}
