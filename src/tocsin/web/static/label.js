// Keys of the labelling page, and the time that is spent on an answer. Without it everything works by its buttons and links.
"use strict";
(() => {
  const ballot = document.getElementById("ballot");
  if (!ballot) return;
  const seconds = ballot.elements.seconds;
  const help = document.getElementById("help");
  const comment = ballot.elements.comment;
  let spent = 0;
  let since = document.hidden ? null : performance.now();
  let sent = false;

  document.addEventListener("visibilitychange", () => {
    if (document.hidden) {
      if (since !== null) spent += performance.now() - since;
      since = null;
    } else {
      since = performance.now();
    }
  });
  ballot.addEventListener("submit", (event) => {
    if (sent) {
      event.preventDefault();
      return;
    }
    sent = true;
    seconds.value = ((spent + (since === null ? 0 : performance.now() - since)) / 1000).toFixed(1);
  });
  // A page that comes back from the browser's memory may be sent again.
  window.addEventListener("pageshow", () => { sent = false; });

  const follow = (move) => document.querySelector(`[data-move="${move}"]`)?.click();
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing || event.repeat) return;
    if (event.key === "Escape") {
      document.activeElement?.blur();
      return;
    }
    if (event.target.closest("input, textarea, select")) return;
    const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
    const word = ballot.querySelector(`[data-key="${CSS.escape(key)}"], [data-letter="${CSS.escape(key)}"]`);
    if (word) {
      event.preventDefault();
      ballot.requestSubmit(word);
    } else if (key === "n" || key === "ArrowRight") {
      follow("n");
    } else if (key === "p" || key === "ArrowLeft") {
      follow("p");
    } else if (key === "z" || key === "Backspace") {
      event.preventDefault();
      document.getElementById("undo")?.requestSubmit();
    } else if (key === "m") {
      event.preventDefault();
      comment.focus();
    } else if (key === "?") {
      help.open = !help.open;
    }
  });
})();
