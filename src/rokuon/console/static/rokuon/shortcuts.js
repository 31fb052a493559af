// Keyboard shortcuts: `/` searches, `?` lists the keys, `g` and a letter open a page. A person can switch them off, and then this file is
// not loaded. They never act in a field, with Ctrl, Alt or Meta, or while an input method composes.
(function () {
  const list = document.currentScript.dataset.list;
  const SECOND_KEY_MS = 1500;
  const SEARCH = ":is(search, [role=search]) input:not([type=hidden], [type=checkbox], [type=date])";
  let waits = 0;

  function searchField() {
    return [...document.querySelectorAll(SEARCH)].find((field) => field.checkVisibility());
  }

  function act(key) {
    if (key === "/") {
      const field = searchField(), recordings = document.querySelector("[data-key=r]");
      if (field) { field.focus(); field.select(); }
      else if (recordings) location.assign(`${recordings.href}#search`);
      return Boolean(field || recordings);
    }
    if (key === "?") {
      location.assign(`${list}?next=${encodeURIComponent(location.pathname + location.search)}`);
      return true;
    }
    return false;
  }

  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.isComposing || event.ctrlKey || event.altKey || event.metaKey) return;
    if (event.target.closest("input, textarea, select, audio, [contenteditable]")) return;
    if (event.key === "Shift") return;
    const second = Date.now() < waits;
    waits = 0;
    if (second) {
      const page = [...document.querySelectorAll("[data-key]")].find((link) => link.dataset.key === event.key);
      if (page) { event.preventDefault(); location.assign(page.href); }
    } else if (event.key === "g") waits = Date.now() + SECOND_KEY_MS;
    else if (act(event.key)) event.preventDefault();
  });

  document.addEventListener("DOMContentLoaded", () => { if (location.hash === "#search") searchField()?.focus(); });
})();
