// Keeps the parts of imports up to date ([data-live="<id>:<part>"]) while something runs, and then stops.
// Without it the pages work all the same: they are reloaded by hand, or by <noscript><meta refresh>.
(() => {
  "use strict";
  const EVERY_MS = 1500;
  const root = document.querySelector("[data-refresh]");
  if (!root || root.dataset.moving !== "yes") {
    return;
  }
  const note = document.createElement("p");
  note.className = "desk-small desk-refresh-note";
  note.setAttribute("role", "status");
  root.append(note);
  let failures = 0;

  const parts = () => [...root.querySelectorAll("[data-live]")];

  const ask = async () => {
    const url = new URL(root.dataset.refresh, location.href);
    url.searchParams.set("ids", [...new Set(parts().map((part) => part.dataset.live.split(":")[0]))].join());
    const answer = await fetch(url, { headers: { Accept: "application/json" }, cache: "no-store" });
    if (answer.redirected || answer.status === 403) {
      throw new SignedOut();
    }
    if (!answer.ok) {
      throw new Error(`status ${answer.status}`);
    }
    return answer.json();
  };

  class SignedOut extends Error {}

  const show = (news) => {
    for (const part of parts()) {
      const [id, name] = part.dataset.live.split(":");
      const html = news.parts[id]?.[name];
      // not under the hands of whoever is typing a reason or choosing a button
      if (html !== undefined && part.lastHtml !== html && !part.contains(document.activeElement)) {
        part.innerHTML = html;
        part.lastHtml = html;
      }
    }
  };

  const look = async () => {
    if (document.hidden) {
      setTimeout(look, EVERY_MS);
      return;
    }
    try {
      const news = await ask();
      failures = 0;
      show(news);
      note.textContent = "";
      if (!news.moving) {
        root.dataset.moving = "no";
        return;
      }
    } catch (error) {
      if (error instanceof SignedOut) {
        note.textContent = "No longer up to date: sign in again.";
        return;
      }
      failures += 1;
      note.textContent = "Not up to date: the server cannot be reached. Trying again.";
    }
    setTimeout(look, EVERY_MS * Math.min(2 ** failures, 20));
  };

  setTimeout(look, EVERY_MS);
})();
