// Offers the variables of a prompt while its text is written: after two braces, and in a tag that asks for one.

const OPEN = /(\{\{-?[ \t]*|\{%-?[ \t]*(?:if|elif|elsif|unless|case|when)[ \t]+(?:not[ \t]+)?)([A-Za-z_]\w*)?$/;
const MOST = 50;

function variables() {
  return [...document.querySelectorAll("[data-variables] [data-variable]")].map((row) => ({
    name: row.dataset.variable,
    kind: row.querySelector("[data-kind]")?.textContent ?? "",
    description: row.querySelector("[data-description]")?.textContent ?? "",
  }));
}

function fitting(known, begun) {
  const word = begun.toLowerCase();
  const starts = known.filter((one) => one.name.toLowerCase().startsWith(word));
  const holds = known.filter((one) => !starts.includes(one) && one.name.toLowerCase().includes(word));
  return [...starts, ...holds].slice(0, MOST);
}

function option(one, id) {
  const row = document.createElement("li");
  row.id = id;
  row.setAttribute("role", "option");
  row.setAttribute("aria-selected", "false");
  row.dataset.name = one.name;
  for (const [tag, words] of [["b", one.name], ["span", one.kind], ["small", one.description]]) {
    if (!words) continue;
    const part = document.createElement(tag);
    part.textContent = words;
    row.append(part, " ");
  }
  return row;
}

export function connect(element) {
  const box = element.querySelector("textarea");
  const ink = element.querySelector(".ph-editor-ink");
  const told = element.querySelector("[data-hint]");
  const list = document.createElement("ul");
  let found = null;
  let put = -1; // where the list was closed on purpose

  list.className = "ph-offers";
  list.id = `${box.id}-offers`;
  list.hidden = true;
  list.setAttribute("role", "listbox");
  list.setAttribute("aria-label", element.dataset.offers);
  element.append(list);
  box.setAttribute("aria-autocomplete", "list");

  const options = () => [...list.children];
  const active = () => options().findIndex((row) => row.getAttribute("aria-selected") === "true");

  function close() {
    found = null;
    list.hidden = true;
    told.textContent = "";
    box.removeAttribute("aria-activedescendant");
    box.removeAttribute("aria-controls");
  }

  function choose(index) {
    const rows = options();
    const at = (index + rows.length) % rows.length;
    for (const [place, row] of rows.entries()) row.setAttribute("aria-selected", String(place === at));
    box.setAttribute("aria-activedescendant", rows[at].id);
    rows[at].scrollIntoView({ block: "nearest" });
  }

  // The drawn text behind the box tells where the caret stands.
  function stand() {
    const lines = box.value.slice(0, box.selectionStart).split("\n");
    const line = ink.children[lines.length - 1];
    const frame = element.getBoundingClientRect();
    let [left, top] = [0, frame.height];
    if (line && ink.getClientRects().length) {
      let rest = lines.at(-1).length;
      const walker = document.createTreeWalker(line, NodeFilter.SHOW_TEXT);
      let node = walker.nextNode();
      while (node && rest > node.length) {
        rest -= node.length;
        node = walker.nextNode();
      }
      const range = document.createRange();
      if (node) range.setStart(node, rest);
      else range.selectNodeContents(line);
      range.collapse(true);
      const caret = range.getClientRects()[0] ?? line.getBoundingClientRect();
      [left, top] = [caret.left - frame.left, caret.bottom - frame.top + 4];
    }
    const widest = Math.max(0, element.clientWidth - list.offsetWidth);
    list.style.setProperty("left", `${Math.max(0, Math.min(left, widest))}px`);
    list.style.setProperty("top", `${Math.min(top, frame.height)}px`);
  }

  function look() {
    const match = box.selectionStart === box.selectionEnd && OPEN.exec(box.value.slice(0, box.selectionStart));
    if (!match || box.readOnly) {
      put = -1;
      close();
      return;
    }
    const begun = match[2] ?? "";
    const offered = fitting(variables(), begun);
    if (match.index === put || offered.length === 0 || (offered.length === 1 && offered[0].name === begun)) {
      close();
      return;
    }
    const fresh = found === null;
    found = { start: box.selectionStart - begun.length, braces: match[1].startsWith("{{"), at: match.index };
    list.replaceChildren(...offered.map((one, index) => option(one, `${list.id}-${index}`)));
    list.hidden = false;
    box.setAttribute("aria-controls", list.id);
    choose(0);
    stand();
    if (fresh) {
      const words = element.dataset.offered.replace("{count}", String(offered.length));
      told.textContent = words.replace("{first}", offered[0].name);
    }
  }

  function take(row) {
    const { start, braces } = found;
    const rest = box.value.slice(box.selectionStart);
    const before = box.value.slice(0, start);
    let words = row.dataset.name;
    if (braces) {
      if (!/[ \t]$/.test(before)) words = ` ${words}`;
      if (!/^[ \t]*-?\}\}/.test(rest)) words = `${words} }}`;
    }
    close();
    box.setSelectionRange(start, box.selectionStart);
    // The old command is the only one that can be undone like typing.
    if (!document.execCommand("insertText", false, words)) {
      box.setRangeText(words, start, box.selectionEnd, "end");
      box.dispatchEvent(new Event("input", { bubbles: true }));
    }
    close();
    told.textContent = row.dataset.name;
  }

  function pressed(event) {
    if (found === null || event.isComposing || event.ctrlKey || event.metaKey || event.altKey) return;
    const index = active();
    const ways = {
      ArrowDown: () => choose(index + 1),
      ArrowUp: () => choose(index - 1),
      Enter: () => take(options()[index]),
      Tab: () => take(options()[index]),
      Escape: () => {
        put = found.at;
        close();
      },
    };
    if (!(event.key in ways) || event.shiftKey) return;
    event.preventDefault();
    event.stopPropagation();
    ways[event.key]();
  }

  box.addEventListener("input", look);
  box.addEventListener("click", look);
  box.addEventListener("keydown", pressed);
  box.addEventListener("blur", close);
  list.addEventListener("mousedown", (event) => event.preventDefault());
  list.addEventListener("click", (event) => {
    const row = event.target.closest("[role=option]");
    if (row && found) take(row);
  });
}
