// Small comforts. Everything works without them.

// A menu closes when the focus or a click goes elsewhere, and with Escape.
document.addEventListener("click", (event) => {
  for (const menu of document.querySelectorAll("details.menu[open]")) {
    if (!menu.contains(event.target)) menu.open = false;
  }
});
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  for (const menu of document.querySelectorAll("details.menu[open]")) {
    menu.open = false;
    menu.querySelector("summary").focus();
  }
});

// [data-copy="#id"] copies the text of that element and says so. It is hidden where it would do nothing.
if (navigator.clipboard) for (const button of document.querySelectorAll("[data-copy]")) button.hidden = false;
document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy]");
  if (!button) return;
  const source = document.querySelector(button.dataset.copy);
  await navigator.clipboard.writeText(source.value ?? source.textContent);
  const before = button.textContent;
  button.textContent = button.dataset.copied;
  setTimeout(() => { button.textContent = before; }, 2000);
});

// [data-filter="#list"] narrows the items of a list to those whose text holds what was typed; [data-filter-count] says how many.
document.addEventListener("input", (event) => {
  const field = event.target.closest("[data-filter]");
  if (!field) return;
  const wanted = field.value.normalize("NFKC").toLowerCase();
  for (const item of document.querySelectorAll(`${field.dataset.filter} [data-item]`)) {
    item.hidden = !item.textContent.normalize("NFKC").toLowerCase().includes(wanted);
  }
});

// [data-select-all="#list"] ticks every visible box of the list.
document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-select-all]");
  if (!button) return;
  const on = button.dataset.selectAll !== undefined && button.dataset.value !== "off";
  for (const box of document.querySelectorAll(`${button.dataset.selectAll} [data-item]:not([hidden]) input[type=checkbox]:not(:disabled)`)) {
    box.checked = on;
    box.dispatchEvent(new Event("change", { bubbles: true }));
  }
});

// [data-tick-all="#list"] ticks every box of the list; clearing one of them clears it as well, so that it never means more than is shown.
document.addEventListener("change", (event) => {
  const all = event.target.closest("[data-tick-all]");
  if (all) {
    const meant = all.value === "open" ? ":not([data-closed])" : "";
    for (const box of document.querySelectorAll(`${all.dataset.tickAll} tbody input[type=checkbox]${meant}`)) box.checked = all.checked;
    return;
  }
  for (const other of document.querySelectorAll("[data-tick-all]")) {
    if (event.target.matches(`${other.dataset.tickAll} tbody input[type=checkbox]`) && !event.target.checked) other.checked = false;
  }
});

// What only works with script is shown by it.
for (const part of document.querySelectorAll("template.with-script")) part.replaceWith(part.content);

// A box with [data-show="#id"] shows what is typed into that password field.
for (const box of document.querySelectorAll("input[data-show]")) {
  box.closest("label").hidden = false;
  box.addEventListener("change", () => { document.querySelector(box.dataset.show).type = box.checked ? "text" : "password"; });
}
