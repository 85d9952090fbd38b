// Keyboard shortcuts of the desk, and the next case held ready; htmx does the other exchanges within a page.
// Without either, every page works by mouse and Tab.
"use strict";

(() => {
  const one = (selector) => document.querySelector(selector);
  const opened = () => one("details.choice[open]");
  const isText = (el) => el.matches("textarea, input:not([type=radio]):not([type=checkbox]):not([type=hidden]), select");
  const caseOf = (address) => (/^\/cas\/(\d+)$/.exec(new URL(address, location.href).pathname) || [])[1];

  // ── The next case, fetched while this one is read ────────────────────────────────────────────────────────────────
  let ahead = null; // { id, page }

  const prepare = async () => {
    ahead = null;
    const here = caseOf(location.href);
    if (!here || !one("form.ballot")) return;
    const answer = await fetch(`/cas/avance?apres=${here}`, { redirect: "error" }).catch(() => null);
    if (!answer || answer.status !== 200 || caseOf(location.href) !== here) return;
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    if (caseOf(location.href) === here) ahead = { id: answer.headers.get("Vigie-Cas"), page };
  };

  const arrive = () => {
    scrollTo(0, 0);
    one("main").focus({ preventScroll: true });
    prepare();
  };

  const show = (page, address) => {
    document.title = page.title;
    one("main").replaceWith(document.adoptNode(page.querySelector("main")));
    history.pushState(null, "", address);
    if (window.htmx) htmx.process(one("main"));
    arrive();
  };

  const complain = (form, words) => {
    const said = form.querySelector(".problem") || form.insertBefore(document.createElement("p"), form.firstChild);
    said.className = "problem";
    said.setAttribute("role", "alert");
    said.textContent = words;
  };

  const send = async (form) => {
    const button = form.querySelector("button[type=submit]");
    button.disabled = true;
    const ready = ahead;
    const answer = await fetch(form.action, {
      method: "POST",
      body: new URLSearchParams(new FormData(form)),
      headers: ready ? { "Vigie-Avance": ready.id } : {},
    }).catch(() => null);
    button.disabled = false;
    if (!answer) return complain(form, "Le bureau ne répond pas. Rien n’est perdu sur cette page : réessayez dans un instant.");
    if (answer.status === 503) return complain(form, "Service momentanément indisponible : l’avis n’est pas enregistré. Réessayez dans un instant.");
    if (answer.status === 204 && ready && answer.headers.get("Vigie-Cas") === ready.id) {
      return show(ready.page, `/cas/${ready.id}`);
    }
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    return show(page, answer.redirected ? answer.url : location.href);
  };

  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (form.matches("form.ballot")) {
      event.preventDefault();
      if (!form.querySelector("button:disabled")) send(form);
    } else if (form.method === "post" && !form.hasAttribute("hx-boost")) {
      const button = form.querySelector("button[type=submit]");
      if (button) setTimeout(() => (button.disabled = true), 0); // one press, one act
    }
  });
  window.addEventListener("pageshow", () => {
    for (const button of document.querySelectorAll("button:disabled")) button.disabled = false;
  });
  window.addEventListener("popstate", () => location.reload());

  // ── What htmx brings ─────────────────────────────────────────────────────────────────────────────────────────────
  const swapped = (ctx) => ctx && ctx.select === "#contenu > *";
  document.addEventListener("htmx:before:response", ({ detail: { ctx } }) => {
    if (swapped(ctx) && !ctx.response.raw.redirected) ctx.push = "false"; // a form's own address shows nothing by itself
  });
  document.addEventListener("htmx:after:swap", ({ detail: { ctx } }) => swapped(ctx) && arrive());
  document.addEventListener("htmx:error", ({ detail: { ctx } }) => {
    const form = ctx && ctx.sourceElement && ctx.sourceElement.closest("form");
    if (form) complain(form, "Le bureau ne répond pas. Rien n’est perdu sur cette page : réessayez dans un instant.");
    else if (swapped(ctx)) location.assign(ctx.sourceElement.href);
  });

  // ── Keys ─────────────────────────────────────────────────────────────────────────────────────────────────────────
  const open = (choice) => {
    choice.open = true; // the shared name closes the others
    (choice.querySelector("[data-key=first]") || choice.querySelector("input[type=radio]")).focus({ preventScroll: true });
    choice.scrollIntoView({ block: "nearest" });
  };

  const underline = (field) => {
    const chosen = getSelection();
    const passage = one("#texte-passage");
    if (chosen && !chosen.isCollapsed && passage.contains(chosen.anchorNode) && passage.contains(chosen.focusNode)) {
      field.value = chosen.toString();
    }
    field.focus();
  };

  const pick = (choice, key) => {
    const field = choice.querySelector(`form [data-key="${key}"]`);
    if (!field) return false;
    const more = field.closest("details.more");
    if (more) more.open = true;
    if (field.name === "span") return underline(field), true;
    if (field.type === "radio") field.checked = true;
    field.focus();
    if (field.name === "reason" || field.name === "rpps") field.form.requestSubmit();
    return true;
  };

  const act = (key) => {
    const choice = opened();
    if (choice && /^[1-9a-z]$/.test(key) && pick(choice, key)) return true;
    const wanted = one(`details.choice[data-key="${key}"]`);
    if (wanted) return open(wanted), true;
    const button = /^[puecd]$/.test(key) ? one(`a[data-key=${key}], button[data-key=${key}]`) : null;
    return button ? (button.click(), true) : false;
  };

  document.addEventListener("keydown", (event) => {
    const help = one("#touches");
    if (event.ctrlKey || event.altKey || event.metaKey || event.isComposing || (help && help.open)) return;
    if (event.key === "Escape") {
      const choice = opened();
      if (isText(event.target)) event.target.closest("form")?.querySelector("input[type=radio]")?.focus();
      else if (choice) {
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

  prepare();
})();
