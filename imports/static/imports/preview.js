// Says how far the preview of an import is (#preview-box), and shows what came of it. The form below is left as it is
// being filled in. Without it the page works all the same: it is loaded anew by <noscript><meta refresh>, or a link.
(() => {
  "use strict";
  const EVERY_MS = 1000;
  const box = document.querySelector("#preview-box");
  if (!box || box.dataset.moving !== "yes") {
    return;
  }
  const form = document.querySelector("#ask");
  let edited = false;
  let failures = 0;
  form.addEventListener("input", () => {
    edited = true;
  });

  const say = (text) => {
    const said = box.querySelector("#preview-said");
    if (said && said.textContent !== text) {
      said.textContent = text;
    }
  };

  const look = async () => {
    if (document.hidden) {
      setTimeout(look, EVERY_MS);
      return;
    }
    try {
      const answer = await fetch(box.dataset.state, { headers: { Accept: "application/json", "Desk-By-Itself": "yes" }, cache: "no-store" });
      if (answer.redirected || answer.status === 403) {
        say("No longer up to date: sign in again.");
        return;
      }
      if (!answer.ok) {
        throw new Error(`status ${answer.status}`);
      }
      const news = await answer.json();
      failures = 0;
      if (!news.moving) {
        box.dataset.moving = "no";
        if (edited) {
          box.innerHTML = news.html;
        } else {
          location.reload(); // the form, too, knows the destinations of the source then
        }
        return;
      }
      say(news.said);
      const button = box.querySelector("#preview-look");
      if (button) {
        button.hidden = !news.stuck;
      }
    } catch (error) {
      failures += 1;
      say("Not up to date: the server cannot be reached. Trying again.");
    }
    setTimeout(look, EVERY_MS * Math.min(2 ** failures, 20));
  };

  setTimeout(look, EVERY_MS);
})();
