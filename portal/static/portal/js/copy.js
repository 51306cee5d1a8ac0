// Copies what an element shows, or what an address answers, and says that it did.

async function words(element) {
  if (!element.dataset.url) return document.querySelector(element.dataset.copy).innerText;
  const answer = await fetch(element.dataset.url);
  if (!answer.ok) throw new Error(String(answer.status));
  return answer.text();
}

// Where a page is not served safely there is no clipboard, only the old command.
function copied(text) {
  const box = document.createElement("textarea");
  box.className = "ph-unseen";
  box.value = text;
  document.body.append(box);
  box.select();
  const done = document.execCommand("copy");
  box.remove();
  if (!done) throw new Error("refused");
}

export function connect(element) {
  const button = element.querySelector("button");
  const said = element.querySelector("[data-said]");
  element.hidden = false;
  button.addEventListener("click", async () => {
    try {
      const text = await words(element);
      if (navigator.clipboard) await navigator.clipboard.writeText(text);
      else copied(text);
      said.textContent = said.dataset.good;
    } catch {
      said.textContent = said.dataset.bad;
    }
    button.focus();
  });
}
