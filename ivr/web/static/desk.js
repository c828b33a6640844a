// Live figures by server-sent events, and a language that is sent when it is chosen. Everything works without it.
(() => {
  "use strict";
  for (const needless of document.querySelectorAll("[data-needless]")) needless.hidden = true;
  for (const chosen of document.querySelectorAll("[data-sends]")) {
    chosen.addEventListener("change", () => chosen.form.requestSubmit());
  }
  const live = document.querySelector("[data-live]");
  if (!live) return;
  const interrupted = document.querySelector("[data-interrupted]");
  const source = new EventSource(live.dataset.live);
  source.addEventListener("open", () => { interrupted.hidden = true; });
  source.addEventListener("error", () => { interrupted.hidden = false; });
  source.addEventListener("figures", (event) => {
    const at = live.contains(document.activeElement) ? document.activeElement : null;
    const [name, focused] = at?.id ? ["id", at.id] : ["href", at?.getAttribute("href")];
    live.innerHTML = event.data; // a template of the server's: whatever callers wrote is escaped in it
    if (focused) live.querySelector(`[${name}="${CSS.escape(focused)}"]`)?.focus();
  });
  source.addEventListener("over", () => { source.close(); location.assign("/login"); });
  addEventListener("pagehide", () => source.close());
})();
