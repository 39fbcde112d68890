"use strict";
/* What the script adds: the list follows a run that is going on, and keys. Everything else works without it. */
(() => {
  const live = document.getElementById("live");

  // -- following --------------------------------------------------------------------------------------------------------
  if (live && !("still" in live.dataset)) {
    let mark = "";
    let paused = sessionStorage.getItem("paused") === "yes";
    const box = document.createElement("span");
    box.className = "live";
    const told = document.createElement("span");
    const button = document.createElement("button");
    button.type = "button";
    box.append(told, button);
    document.querySelector(".top").append(box);
    const going = () => live.querySelector(".runs")?.dataset.going === "yes";
    const show = () => {
      box.hidden = !going();
      told.textContent = paused ? "paused" : "follows the run";
      button.textContent = paused ? "Follow" : "Pause";
      button.setAttribute("aria-pressed", String(paused));
    };
    button.addEventListener("click", () => {
      paused = !paused;
      sessionStorage.setItem("paused", paused ? "yes" : "no");
      show();
      if (!paused) fetchOnce();
    });
    const place = (html) => {
      const fresh = new DOMParser().parseFromString(html, "text/html").body;
      // What the reader opened, and where the keyboard stands, stay.
      live.querySelectorAll("details[open][id]").forEach((one) => fresh.querySelector(`#${CSS.escape(one.id)}`)?.setAttribute("open", ""));
      if (document.getElementById("show-filters")?.checked) fresh.querySelector("#show-filters")?.setAttribute("checked", "");
      const held = live.contains(document.activeElement) ? document.activeElement : null;
      const href = held?.getAttribute("href");
      const id = held?.id;
      live.replaceChildren(...fresh.childNodes);
      if (id) document.getElementById(id)?.focus({ preventScroll: true });
      else if (href) [...live.querySelectorAll("a")].find((one) => one.getAttribute("href") === href)?.focus({ preventScroll: true });
    };
    const fetchOnce = async () => {
      try {
        const reply = await fetch(live.dataset.live, { headers: mark ? { "If-None-Match": mark } : {}, cache: "no-store" });
        if (reply.status === 200) {
          const known = mark;
          mark = reply.headers.get("etag") || "";
          const html = await reply.text();
          if (known) place(html);
        }
        show();
      } catch {
        told.textContent = "the viewer has ended";
      }
    };
    show();
    fetchOnce();
    // A run that has ended may be taken up again; it is looked at less often.
    let turn = 0;
    setInterval(() => {
      turn += 1;
      if (!document.hidden && (going() ? !paused : turn % 5 === 0)) fetchOnce();
    }, 2000);
  }

  // -- choosing an order is asking for it ------------------------------------------------------------------------------
  document.querySelector("#sort")?.addEventListener("change", (event) => event.target.form.requestSubmit());

  // -- keys -------------------------------------------------------------------------------------------------------------
  const step = (by) => {
    const links = [...document.querySelectorAll(".row .open")];
    if (!links.length) return false;
    const at = links.findIndex((one) => one === document.activeElement || one.closest(".row").contains(document.activeElement));
    const to = links[at < 0 ? (by > 0 ? 0 : links.length - 1) : Math.min(links.length - 1, Math.max(0, at + by))];
    to.focus();
    to.scrollIntoView({ block: "nearest" });
    return true;
  };
  const press = (selector) => {
    const found = document.querySelector(selector);
    found?.click();
    return Boolean(found);
  };
  const keys = {
    j: () => step(1),
    k: () => step(-1),
    ArrowDown: () => Boolean(document.activeElement?.closest(".row")) && step(1),
    ArrowUp: () => Boolean(document.activeElement?.closest(".row")) && step(-1),
    "/": () => { const q = document.getElementById("q"); q?.focus(); q?.select(); return Boolean(q); },
    r: () => press("#reveal button"),
    n: () => press("#next") || press("a[rel=next]"),
    u: () => press("#back"),
  };
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    if (event.target.closest?.("input, select, textarea, [contenteditable]")) return;
    if (Object.hasOwn(keys, event.key) && keys[event.key]()) event.preventDefault();
  });
})();
