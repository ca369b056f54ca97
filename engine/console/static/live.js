// Parts of a page that are asked for again: while somebody types (a form with data-asks, which names them; data-set is
// what it says then, data-wait for how long changes are collected), and until work is over (data-poll says where to ask,
// data-then what to put in its place). A tab stays in a text of code; Esc leaves it.
"use strict";
(() => {
  const put = (html, names) => {
    const fresh = new DOMParser().parseFromString(html, "text/html");
    names.split(" ").forEach((name) => {
      const old = document.getElementById(name), next = fresh.getElementById(name);
      if (old && next) old.replaceWith(document.importNode(next, true));
    });
    return fresh;
  };
  document.querySelectorAll("form[data-asks]").forEach((form) => {
    let waits, under_way;
    const { wait, set } = form.dataset;
    const ask = async () => {
      clearTimeout(waits);
      waits = 0;
      under_way?.abort();
      under_way = new AbortController();
      const typed = new FormData(form), post = form.method === "post";
      if (post) typed.set(...set.split("="));
      typed.delete("file");
      const address = post ? form.action : `${form.action}?${new URLSearchParams(typed)}`;
      try {
        const how = { method: form.method, body: post ? typed : undefined, signal: under_way.signal };
        const answer = await fetch(address, { ...how, keepalive: document.hidden });
        put(await answer.text(), form.dataset.asks);
        if (!post) history.replaceState(null, "", address);
      } catch { /* a newer question is under way, or the console is away: the buttons say so */ }
    };
    form.addEventListener("input", (event) => {
      if (event.target.type === "checkbox" || event.target.id === "reason") return;
      if (!wait) clearTimeout(waits);
      else if (waits) return;
      waits = setTimeout(ask, wait || 500);
    });
    const now = () => { if (wait && waits) ask(); };
    form.addEventListener("change", now);
    document.addEventListener("visibilitychange", now);
  });
  const poll = async () => {
    const work = document.querySelector("[data-poll]");
    if (!work) return;
    if (document.visibilityState === "visible") {
      try {
        const then = work.dataset.then || "work";
        const fresh = put(await (await fetch(work.dataset.poll)).text(), "work");
        if (!fresh.querySelector("[data-poll]")) put(await (await fetch(location.href)).text(), then);
        else document.querySelector("[data-poll]").dataset.then = then;
      } catch { /* asked again in a second */ }
    }
    setTimeout(poll, 1000);
  };
  setTimeout(poll, 700);
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Tab" || event.shiftKey || !event.target.matches("textarea[data-tab]")) return;
    event.preventDefault();
    const field = event.target;
    field.setRangeText("\t", field.selectionStart, field.selectionEnd, "end");
    field.dispatchEvent(new Event("input", { bubbles: true }));
  });
})();
