// Keeps what is shown up to date while somebody looks: quickly while an import moves, and not at all while hidden.
//
//   [data-refresh=URL][data-moving]                 parts of imports, [data-live="<id>:<part>"], as JSON: until none moves
//   [data-refresh=URL][data-moving][data-whole=ID]  the element of that id anew, as HTML: for ever, slowly when idle
//
// When the server does not answer, or the login has ended, the page says so and since when; what it shows is marked as
// old (.desk-stale). Without this script the pages work all the same: they are reloaded by hand, or by <noscript>.
(() => {
  "use strict";
  const SLOW_MS = 15000;
  const PATIENCE_MS = 10000;
  const root = document.querySelector("[data-refresh]");
  const whole = root?.dataset.whole;
  const QUICK_MS = whole ? 2500 : 1500; // the whole takes the server some 50 ms, parts 15
  if (!root || (!whole && root.dataset.moving !== "yes")) {
    return;
  }
  const note = document.createElement("p");
  note.className = "desk-refresh-note";
  note.setAttribute("role", "status");
  root.append(note);
  let said = "";
  let failures = 0;
  let asking = false;
  let ended = false;
  let timer = 0;

  class SignedOut extends Error {}

  const get = async (url, accept) => {
    const answer = await fetch(url, {
      headers: { Accept: accept, "Desk-By-Itself": "yes" }, // nobody asks: the session ends all the same
      cache: "no-store",
      signal: AbortSignal.timeout(PATIENCE_MS),
    });
    if (answer.redirected || answer.status === 403) {
      throw new SignedOut();
    }
    if (!answer.ok) {
      throw new Error(`answers with an error (${answer.status})`);
    }
    return answer;
  };

  // --- parts of imports ------------------------------------------------------------------------------------------
  const parts = () => [...root.querySelectorAll("[data-live]")];

  const lookAtParts = async () => {
    const url = new URL(root.dataset.refresh, location.href);
    url.searchParams.set("ids", [...new Set(parts().map((part) => part.dataset.live.split(":")[0]))].join());
    const news = await (await get(url, "application/json")).json();
    for (const part of parts()) {
      const [id, name] = part.dataset.live.split(":");
      const html = news.parts[id]?.[name];
      // not under the hands of whoever is typing a reason or choosing a button
      if (html !== undefined && part.lastHtml !== html && !part.contains(document.activeElement)) {
        part.innerHTML = html;
        part.lastHtml = html;
      }
    }
    return news.moving;
  };

  // --- the whole -------------------------------------------------------------------------------------------------
  const keyOf = (node) => node.dataset?.key ?? "";

  // What differs is changed where it stands, so that focus, scrolling, selections and what is typed stay.
  const become = (old, fresh) => {
    if (old.nodeType !== Node.ELEMENT_NODE) {
      if (old.data !== fresh.data) {
        old.data = fresh.data;
      }
      return;
    }
    for (const { name } of [...old.attributes]) {
      if (!fresh.hasAttribute(name) && !(name === "open" && old.nodeName === "DETAILS")) {
        old.removeAttribute(name);
      }
    }
    for (const { name, value } of fresh.attributes) {
      if (old.getAttribute(name) !== value && !(name === "open" && old.nodeName === "DETAILS")) {
        old.setAttribute(name, value);
      }
    }
    const stays = new Set([...fresh.children].map(keyOf));
    for (const child of [...old.children]) {
      if (keyOf(child) && !stays.has(keyOf(child))) {
        child.remove();
      }
    }
    const keyed = new Map([...old.children].map((child) => [keyOf(child), child]));
    let at = old.firstChild;
    for (const wanted of [...fresh.childNodes]) {
      let found = keyOf(wanted) ? keyed.get(keyOf(wanted)) : at;
      if (!found || found.nodeName !== wanted.nodeName || keyOf(found) !== keyOf(wanted)) {
        old.insertBefore(document.importNode(wanted, true), at);
        continue;
      }
      while (at !== found && at && !keyOf(at)) {
        const next = at.nextSibling;
        at.remove(); // rather than to move what is found: that would take its focus
        at = next;
      }
      if (at !== found) {
        old.insertBefore(found, at);
      }
      become(found, wanted);
      at = found.nextSibling;
    }
    while (at) {
      const next = at.nextSibling;
      at.remove();
      at = next;
    }
  };

  const lookAtTheWhole = async () => {
    const text = await (await get(root.dataset.refresh, "text/html")).text();
    const fresh = new DOMParser().parseFromString(text, "text/html").getElementById(whole);
    if (!fresh) {
      throw new Error("answers with another page");
    }
    become(document.getElementById(whole), fresh);
    return fresh.dataset.moving === "yes";
  };

  // --- again and again -------------------------------------------------------------------------------------------
  const asOf = () =>
    document.querySelector(".desk-as-of time")?.textContent ?? `${new Date().toISOString().slice(11, 19)} UTC`;

  const say = (text, signIn) => {
    root.classList.toggle("desk-stale", text !== "");
    if (said === text) {
      return; // and is not read out again
    }
    said = text;
    note.textContent = text;
    if (signIn) {
      const anchor = note.appendChild(document.createElement("a"));
      anchor.href = location.href; // which asks for the login, and comes back here
      anchor.textContent = "Sign in again";
    }
  };

  const sayWhyNot = (error) => {
    if (error instanceof SignedOut) {
      say(`Not up to date since ${upToDate}: your login has ended. `, true);
      return;
    }
    let how = error.message;
    if (error.name === "TimeoutError") {
      how = "does not answer";
    } else if (error instanceof TypeError) {
      how = "cannot be reached";
    }
    say(`Not up to date since ${upToDate}: the server ${how}. Trying again.`);
  };

  const look = async () => {
    clearTimeout(timer);
    if (document.hidden || asking || ended) {
      return;
    }
    asking = true;
    let wait;
    try {
      const moving = await (whole ? lookAtTheWhole() : lookAtParts());
      root.dataset.moving = moving ? "yes" : "no";
      upToDate = asOf();
      failures = 0;
      say("");
      ended = !whole && !moving;
      wait = moving ? QUICK_MS : SLOW_MS;
    } catch (error) {
      failures += 1;
      sayWhyNot(error);
      wait = Math.min(QUICK_MS * 2 ** failures, 2 * SLOW_MS);
    } finally {
      asking = false;
    }
    timer = setTimeout(look, wait);
  };

  let upToDate = asOf();
  document.addEventListener("visibilitychange", look); // at once when it is shown again
  addEventListener("pageshow", (event) => event.persisted && look());
  addEventListener("online", look);
  timer = setTimeout(look, root.dataset.moving === "yes" ? QUICK_MS : SLOW_MS);
})();
