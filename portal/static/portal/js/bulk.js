// Does something to many rows one after the other, each by its own request, and shows how far it is.

export function connect(form) {
  const progress = form.querySelector("[data-progress]");
  const bar = progress.querySelector("progress");
  const told = progress.querySelector("[data-count]");

  async function one(row, token, reason) {
    const body = new URLSearchParams({ reason, csrfmiddlewaretoken: token });
    for (const { name, value } of row.querySelectorAll("input[type=hidden]")) body.append(name, value);
    const answer = await fetch(form.action, { method: "POST", body, headers: { "HX-Request": "true" } });
    if (!answer.ok) throw new Error(String(answer.status));
    const table = document.createElement("template");
    table.innerHTML = await answer.text();
    const fresh = table.content.querySelector("tr");
    row.replaceWith(fresh);
    window.htmx?.process(fresh); // the row looks again by itself while its deliveries are under way
    return fresh.querySelector("[data-result]").dataset.result;
  }

  async function run() {
    const rows = [...form.querySelectorAll("tr[data-row]")].filter((row) => row.querySelector("input[name=prompt]"));
    const { csrfmiddlewaretoken: token, reason } = form.elements;
    const why = reason?.value ?? "";
    for (const part of form.querySelectorAll(".ph-form-foot, .ph-field")) part.hidden = true;
    progress.hidden = false;
    const tally = { done: 0, same: 0, refused: 0 };
    for (const [index, row] of rows.entries()) {
      told.textContent = `${index} / ${rows.length}`;
      try {
        tally[await one(row, token.value, why)] += 1;
      } catch {
        row.querySelector("[data-result]").textContent = form.dataset.failed;
        tally.unanswered = (tally.unanswered ?? 0) + 1;
      }
      bar.value = index + 1;
    }
    const sentence = form.dataset.done.replace(/\{(\w+)\}/g, (_, kind) => tally[kind]);
    told.textContent = tally.unanswered ? `${sentence} ${form.dataset.unanswered}: ${tally.unanswered}.` : sentence;
    const back = document.querySelector("[data-back]");
    back.hidden = false;
    back.querySelector("a").focus();
  }

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    run();
  });
}
