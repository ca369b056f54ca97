// Keys: / search, j k move, x selects, u back, e why, g and the key of a link; in Held r t R d; in an item a n, Ctrl+Enter
// sends; Esc leaves a field.
"use strict";
(() => {
  const fields = "input:not([type=checkbox]), textarea, select, [contenteditable]";
  const every = (css, where = document) => [...where.querySelectorAll(css)], called = (id) => document.getElementById(id);
  let first = "";
  const move = (by) => {
    const all = every("[data-keys=rows] a");
    const here = all.findIndex((each) => each === document.activeElement || each.getAttribute("aria-current"));
    const next = all[Math.max(0, Math.min(all.length - 1, here < 0 ? 0 : here + by))];
    if (!next) return;
    next.focus();
    if (next.closest(".groups")) next.click();
  };
  const say = (mode) => {
    document.querySelector(`.say input[value=${mode}]`)?.click();
    called("words")?.focus();
  };
  const act = {
    a: () => say("answer"),
    n: () => say("note"),
    "/": () => called("q")?.focus(),
    j: () => move(1),
    k: () => move(-1),
    u: () => history.back(),
    x: () => {
      const row = document.activeElement.closest("li") || document.querySelector("li.here");
      row?.querySelector("input[type=checkbox]")?.click();
    },
  };
  document.addEventListener("keydown", (event) => {
    if (event.key === "Tab" && !event.shiftKey && event.target.matches("[data-tab]")) {
      event.preventDefault();
      return document.execCommand("insertText", false, "\t");
    }
    if (event.key === "Enter" && event.ctrlKey && event.target.id === "words") return event.target.form.requestSubmit();
    if (event.key === "Escape" && event.target.matches(fields)) return event.target.blur();
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.matches(fields)) return;
    const key = event.key, went = first === "g";
    first = key === "g" && !went ? "g" : "";
    if (went) return document.querySelector(`.side a[data-go="${CSS.escape(key)}"]`)?.click();
    if (first) return;
    const marked = document.querySelector(`[data-key="${CSS.escape(key)}"]`);
    if (marked) {
      event.preventDefault();
      const reason = called("reason");
      if (marked.matches("button[value=reject], button[value=discard]") && reason && !reason.value) reason.focus();
      else marked.click();
    } else if (act[key]) {
      event.preventDefault();
      act[key]();
    }
  });
  const live = document.querySelector("[data-renew]");
  const renew = async () => {
    if (document.hidden) return;
    const answer = await fetch(location.href, { headers: { "X-Renew": "1" } }).catch(() => null);
    const html = answer?.ok && !answer.redirected ? await answer.text() : "";
    const fresh = new DOMParser().parseFromString(html, "text/html").querySelector("[data-renew]");
    if (!fresh) return;
    const all = () => every("a, summary, [tabindex]", live);
    const here = document.activeElement, at = all().indexOf(here), href = here?.getAttribute("href");
    const open = every("details", live).map((each) => each.open);
    live.replaceChildren(...fresh.childNodes);
    every("details", live).forEach((each, n) => { each.open = open[n]; });
    if (at < 0) return;
    const again = all();
    (again.find((each) => href && each.getAttribute("href") === href) || again[at])?.focus({ preventScroll: true });
  };
  if (live) setInterval(renew, live.dataset.renew * 1000);
  every("[data-complete]").forEach((field) => {
    let waits;
    field.addEventListener("input", () => {
      clearTimeout(waits);
      waits = setTimeout(async () => {
        const answer = await fetch(field.dataset.complete + encodeURIComponent(field.value)).catch(() => null);
        if (answer?.ok) field.list.replaceChildren(...(await answer.json()).map((each) => new Option("", each)));
      }, 300);
    });
  });
  every("[data-key]").forEach((each) => {
    const mark = document.createElement("kbd");
    mark.textContent = each.dataset.key;
    mark.setAttribute("aria-hidden", "true");
    each.append(mark);
  });
})();
