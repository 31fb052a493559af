// What is wrong with how a page is laid out: text that is cut or beyond the screen, controls too small for a finger, rows that scroll sideways.
() => {
  const problems = [];
  const SCROLLS = ".calendar-scroll";
  const HIDDEN = ".visually-hidden, .skip-link, .shapes, .stacked thead, svg *, option, optgroup, noscript, template, script, style";
  const said = (one) => `<${one.tagName.toLowerCase()}${one.className && typeof one.className === "string" ? "." + one.className : ""}> ${(one.textContent || "").trim().slice(0, 60)}`;
  const shown = (one) => one.checkVisibility({ visibilityProperty: true, contentVisibilityAuto: true }) && one.getClientRects().length > 0;
  const holdsText = (one) => [...one.childNodes].some((it) => it.nodeType === Node.TEXT_NODE && it.data.trim());
  if (document.documentElement.scrollWidth > innerWidth) problems.push(`the page is ${document.documentElement.scrollWidth} px wide`);
  for (const one of document.body.querySelectorAll("*")) {
    if (one.matches(HIDDEN) || one.closest(HIDDEN) || !shown(one)) continue;
    const style = getComputedStyle(one), box = one.getBoundingClientRect();
    if (!one.closest(SCROLLS) && box.width && (box.right > innerWidth + 1 || box.left < -1)) problems.push(`beyond the screen (${Math.round(box.left)} to ${Math.round(box.right)}): ${said(one)}`);
    const field = one.matches("input, textarea, select, progress, audio, iframe, svg");
    if (!field && one.clientWidth && /hidden|clip/.test(style.overflowX) && one.scrollWidth > one.clientWidth + 1) problems.push(`text is cut: ${said(one)}`);
    if (!field && one.clientHeight && /hidden|clip/.test(style.overflowY) && one.scrollHeight > one.clientHeight + 2) problems.push(`text is cut below: ${said(one)}`);
    if (!field && !one.matches(SCROLLS) && innerWidth < 960 && one.clientWidth && /auto|scroll/.test(style.overflowX) && one.scrollWidth > one.clientWidth + 1) problems.push(`scrolls sideways: ${said(one)}`);
    if (one.matches("a[href], button, summary, select, input:not([type=hidden])") && !one.closest("svg")) {
      // A box inside its label is as large as the label; a link in a sentence is as high as its line (WCAG 2.5.8 exempts it).
      const label = one.matches("input") && one.labels && [...one.labels][0];
      const area = label && shown(label) && label.contains(one) ? label.getBoundingClientRect() : box;
      const inline = style.display === "inline" && one.parentElement && holdsText(one.parentElement);
      if (!inline && (area.width < 23.5 || area.height < 23.5)) problems.push(`too small (${Math.round(area.width)} x ${Math.round(area.height)}): ${said(one)} ${one.outerHTML.slice(0, 90)}`);
    }
  }
  for (const table of document.querySelectorAll("main table.dense")) {
    if (!table.matches(".stacked")) problems.push(`a table that is not stacked: ${said(table)}`);
  }
  return [...new Set(problems)];
}
