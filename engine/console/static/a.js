// Keys: / search, j k move, Enter opens, x selects, u back, e why; g and the key of a page's link goes there; in Held
// r t R d; in an item a n answer and note, Ctrl+Enter sends. A tab stays in a text of code; Esc leaves it.
// How a search may go on is asked for while it is typed.
"use strict";
(() => {
  const fields = "input:not([type=checkbox]), textarea, select, [contenteditable]";
  let first = "";
  const links = () => [...document.querySelectorAll("[data-keys=rows] a")];
  const move = (by) => {
    const all = links();
    const here = all.findIndex((each) => each === document.activeElement || each.getAttribute("aria-current"));
    const next = all[Math.max(0, Math.min(all.length - 1, here < 0 ? 0 : here + by))];
    if (!next) return;
    next.focus();
    if (next.closest(".groups")) next.click();
  };
  const go = (key) => document.querySelector(`.side a[data-go="${CSS.escape(key)}"]`)?.click();
  const say = (mode) => {
    document.querySelector(`.say input[value=${mode}]`)?.click();
    document.getElementById("words")?.focus();
  };
  const act = {
    a: () => say("answer"),
    n: () => say("note"),
    "/": () => document.getElementById("q")?.focus(),
    j: () => move(1),
    k: () => move(-1),
    u: () => history.back(),
    x: () => {
      const row = document.activeElement.closest("li") || document.querySelector("li.here");
      row?.querySelector("input[type=checkbox]")?.click();
    },
  };
  document.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && event.ctrlKey && event.target.id === "words") return event.target.form.requestSubmit();
    if (event.key === "Escape" && event.target.matches(fields)) return event.target.blur();
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.matches(fields)) return;
    const key = event.key;
    if (first === "g") {
      first = "";
      go(key);
      return;
    }
    if (key === "g") { first = "g"; return; }
    const marked = document.querySelector(`[data-key="${CSS.escape(key)}"]`);
    if (marked) {
      event.preventDefault();
      const reason = document.getElementById("reason");
      if (marked.matches("button[value=reject], button[value=discard]") && reason && !reason.value) reason.focus();
      else marked.click();
    } else if (act[key]) {
      event.preventDefault();
      act[key]();
    }
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Tab" || event.shiftKey || !event.target.matches("textarea[data-tab]")) return;
    event.preventDefault();
    const field = event.target;
    field.setRangeText("\t", field.selectionStart, field.selectionEnd, "end");
    field.dispatchEvent(new Event("input", { bubbles: true }));
  });
  const live = document.querySelector("[data-renew]");
  const renew = async () => {
    if (document.hidden) return;
    const answer = await fetch(location.href, { headers: { "X-Renew": "1" } }).catch(() => null);
    const page = answer?.ok && !answer.redirected ? new DOMParser().parseFromString(await answer.text(), "text/html") : null;
    const fresh = page?.querySelector("[data-renew]");
    if (!fresh) return;
    const all = () => [...live.querySelectorAll("a, summary, [tabindex]")];
    const here = document.activeElement, at = all().indexOf(here), href = here?.getAttribute("href");
    const open = [...live.querySelectorAll("details")].map((each) => each.open);
    live.replaceChildren(...fresh.childNodes);
    live.querySelectorAll("details").forEach((each, n) => { each.open = open[n]; });
    if (at < 0) return;
    const again = all();
    (again.find((each) => href && each.getAttribute("href") === href) || again[at])?.focus({ preventScroll: true });
  };
  if (live) setInterval(renew, live.dataset.renew * 1000);
  document.querySelectorAll("[data-complete]").forEach((field) => {
    let waits;
    field.addEventListener("input", () => {
      clearTimeout(waits);
      waits = setTimeout(async () => {
        const answer = await fetch(field.dataset.complete + encodeURIComponent(field.value)).catch(() => null);
        if (answer?.ok) field.list.replaceChildren(...(await answer.json()).map((each) => new Option("", each)));
      }, 300);
    });
  });
  document.querySelectorAll("[data-key]").forEach((each) => {
    const mark = document.createElement("kbd");
    mark.textContent = each.dataset.key;
    mark.setAttribute("aria-hidden", "true");
    each.append(mark);
  });
})();
