// A text box with line numbers and coloured variables: the same text is drawn behind it, line by line.

const MARKS = /(\{\{[\s\S]*?\}\}|\{%[\s\S]*?%\}|\{#[\s\S]*?#\})/;
const NAME = /^\{\{-?\s*([A-Za-z_]\w*)/;
const LONGEST = 200_000;

function drawn(line, names) {
  const span = document.createElement("span");
  for (const piece of line.split(MARKS)) {
    if (!MARKS.test(piece)) {
      span.append(piece);
      continue;
    }
    const name = NAME.exec(piece)?.[1];
    const known = name === undefined || names.has(name);
    const mark = document.createElement(piece.startsWith("{{") ? (known ? "b" : "u") : "i");
    mark.textContent = piece;
    span.append(mark);
  }
  if (line === "") span.append("\u200b");
  return span;
}

export function connect(element) {
  const box = element.querySelector("textarea");
  const ink = element.querySelector(".ph-editor-ink");
  const names = new Set(element.dataset.names.split(" "));
  let lines = [];

  function draw() {
    if (box.value.length > LONGEST) {
      element.classList.remove("ph-editor-live");
      return;
    }
    element.classList.add("ph-editor-live");
    const wanted = box.value.split("\n");
    let first = 0;
    while (first < Math.min(lines.length, wanted.length) && lines[first] === wanted[first]) first += 1;
    let last = 0;
    const most = Math.min(lines.length, wanted.length) - first;
    while (last < most && lines[lines.length - 1 - last] === wanted[wanted.length - 1 - last]) last += 1;
    for (let count = lines.length - last - first; count > 0; count -= 1) ink.children[first].remove();
    const fresh = wanted.slice(first, wanted.length - last).map((line) => drawn(line, names));
    const before = ink.children[first] ?? null;
    for (const span of fresh) ink.insertBefore(span, before);
    lines = wanted;
    follow();
  }

  function follow() {
    ink.scrollTop = box.scrollTop;
    ink.scrollLeft = box.scrollLeft;
  }

  box.addEventListener("input", draw);
  box.addEventListener("scroll", follow);
  draw();
}
