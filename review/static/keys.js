// Keyboard shortcuts of the desk. Without this file every page works with mouse, touch and Tab.
"use strict";

(() => {
  const help = document.getElementById("touches");
  const choices = () => [...document.querySelectorAll("details.choice")];
  const opened = () => document.querySelector("details.choice[open]");
  const isText = (el) => el.matches("textarea, input:not([type=radio]):not([type=checkbox]):not([type=hidden]), select");

  const open = (choice) => {
    choice.open = true; // the shared name closes the others
    const first = choice.querySelector("input[type=radio]");
    first?.focus({ preventScroll: true });
    choice.scrollIntoView({ block: "nearest" });
  };

  const pick = (choice, key) => {
    const field = choice.querySelector(`form [data-key="${key}"]`);
    if (!field) return false;
    if (field.type === "radio") field.checked = true;
    field.focus();
    return true;
  };

  const act = (key) => {
    const wanted = choices().find((choice) => choice.dataset.key === key);
    if (wanted) return open(wanted), true;
    const skip = document.querySelector("a[data-key=p]");
    if (key === "p" && skip) return skip.click(), true;
    const choice = opened();
    return choice ? /^[1-9a-z]$/.test(key) && pick(choice, key) : false;
  };

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey || event.isComposing) return;
    if (help?.open) return;
    if (event.key === "Escape") {
      const choice = opened();
      if (choice) {
        choice.open = false;
        choice.querySelector("summary").focus();
      }
      return;
    }
    if (isText(event.target)) return;
    if (event.key === "?" && help) {
      event.preventDefault();
      help.showModal();
    } else if (act(event.key.toLowerCase())) {
      event.preventDefault();
    }
  });

  // One press, one verdict: the server refuses a second one anyway.
  document.addEventListener("submit", (event) => {
    const button = event.target.querySelector("button[type=submit]");
    if (event.target.method === "post" && button) setTimeout(() => (button.disabled = true), 0);
  });
  window.addEventListener("pageshow", () => {
    for (const button of document.querySelectorAll("button:disabled")) button.disabled = false;
  });
})();
