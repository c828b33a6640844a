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
  const title = document.title.split(" · ").slice(-2).join(" · ");
  const ahead = live.dataset.now ? Date.parse(live.dataset.now) - Date.now() : 0; // of the server's clock

  const count = () => {
    for (const each of live.querySelectorAll("[data-count]")) {
      const gone = (Date.now() + ahead - Date.parse(each.dataset.at)) / 1000;
      const seconds = Math.max(0, Math.round(each.dataset.count === "down" ? -gone : gone));
      each.textContent = `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
    }
  };
  const ring = () => {
    const ringing = live.querySelector("[data-rings]");
    document.title = ringing ? `${ringing.dataset.rings} · ${title}` : title;
  };
  // What somebody is writing in is left alone until it is sent.
  const isWritten = (part) => part.contains(document.activeElement) && document.activeElement.matches("textarea, select")
    || isChanged(part);
  const isChanged = (part) => [...part.querySelectorAll("textarea")].some((each) => each.value !== each.defaultValue)
    || [...part.querySelectorAll("option")].some((each) => each.selected !== (each.defaultSelected
      || (each.index === 0 && !each.parentNode.querySelector("[selected]"))));
  const fill = (place, fresh) => {
    const at = place.contains(document.activeElement) ? document.activeElement : null;
    const [name, focused] = at?.id ? ["id", at.id] : ["href", at?.getAttribute("href")];
    place.innerHTML = fresh.innerHTML; // a template of the server's: whatever callers wrote is escaped in it
    if (focused) place.querySelector(`[${name}="${CSS.escape(focused)}"]`)?.focus();
  };
  const seen = new Map(); // what each part was last, as the server sent it
  const update = (text) => {
    const fresh = document.createElement("template");
    fresh.innerHTML = text;
    const parts = [...fresh.content.querySelectorAll("[data-part]")];
    const places = parts.map((part) => live.querySelector(`[data-part="${part.dataset.part}"]`));
    if (!parts.length || places.includes(null)) {
      if (![...live.querySelectorAll("[data-part]")].some(isWritten)) {
        fill(live, fresh);
        seen.clear();
      }
      return;
    }
    parts.forEach((part, index) => {
      const place = places[index];
      if (seen.get(part.dataset.part) === part.outerHTML) return;
      const held = live.querySelector("[data-held]");
      if (part.dataset.part === "note" && isWritten(place)) {
        held.hidden = Boolean(part.querySelector("form"));
        return;
      }
      if (part.dataset.part === "note" && held) held.hidden = true;
      seen.set(part.dataset.part, part.outerHTML);
      for (const name of ["class", "data-rings"]) {
        if (part.hasAttribute(name)) place.setAttribute(name, part.getAttribute(name));
        else place.removeAttribute(name);
      }
      fill(place, part);
    });
  };
  let isSaving = false;
  live.addEventListener("submit", (event) => { isSaving = event.target.matches(".noting"); });
  addEventListener("beforeunload", (event) => {
    const note = live.querySelector("[data-part=note]");
    if (note && isChanged(note) && !isSaving) event.preventDefault(); // the browser asks whether to leave it
  });
  // Whoever is logged out while he talks by this page keeps the call; the page is left when it is over.
  const leave = () => {
    const phone = document.querySelector("[data-phone]");
    const talks = () => phone && !["off", "connecting", "ready"].includes(phone.dataset.shown);
    if (!talks()) { location.assign("/login"); return; }
    document.querySelector("[data-logged-out]").hidden = false;
    new MutationObserver(() => { if (!talks()) location.assign("/login"); })
      .observe(phone, { attributeFilter: ["data-shown"] });
  };
  // A browser comes back by itself to a stream that broke off, not to one that was refused.
  const AGAIN_MS = 5000;
  let source = null;
  const again = async () => {
    try {
      const answer = await fetch(location.pathname, { redirect: "manual" });
      if (answer.type === "opaqueredirect") { leave(); return; } // to the login
    } catch { /* not there yet */ }
    open();
  };
  const open = () => {
    source = new EventSource(live.dataset.live);
    source.addEventListener("open", () => { interrupted.hidden = true; });
    source.addEventListener("error", () => {
      interrupted.hidden = false;
      if (source.readyState === EventSource.CLOSED) setTimeout(again, AGAIN_MS);
    });
    source.addEventListener("figures", (event) => {
      update(event.data);
      count();
      ring();
    });
    source.addEventListener("over", () => { source.close(); leave(); });
  };
  open();
  addEventListener("pagehide", () => source.close());
  setInterval(count, 1000);
  count();
  ring();
})();
