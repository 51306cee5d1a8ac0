// What was done before this page came is said when it has come: a live region is read out only when it changes.

const SOON = 500; // milliseconds: readers have noticed the page by then

export function connect(region) {
  const told = [...region.querySelectorAll(".ph-message")].map((message) => message.innerText.trim());
  if (told.length === 0) return undefined;
  const said = document.createElement("p");
  said.className = "ph-unseen";
  region.append(said);
  const waiting = setTimeout(() => {
    said.textContent = told.join(" ");
  }, SOON);
  return () => clearTimeout(waiting);
}
