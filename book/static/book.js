// What a reader operates on the pages of the book itself. Without this file all of them can be read.
"use strict";

(() => {
  // ---- the control of the pairs: one choice for the whole book ----
  const radios = [...document.querySelectorAll('.pair-control input[name="pair"]')];
  const root = document.documentElement;
  const choose = (side) => {
    root.dataset.pair = side;
    for (const radio of radios) radio.checked = radio.value === side;
  };
  choose(root.dataset.pair || "both");
  for (const radio of radios) {
    radio.addEventListener("change", () => {
      // what the reader looks at stays where it is, although cells above it may go or come
      const before = radio.getBoundingClientRect().top;
      choose(radio.value);
      scrollBy(0, radio.getBoundingClientRect().top - before);
      try { localStorage.setItem("pair", radio.value); } catch { /* then only for this page */ }
    });
  }
  addEventListener("storage", (event) => {
    if (event.key === "pair") choose(event.newValue || "both");
  });
  // a link to a cell that is hidden shows it
  const reveal = () => {
    const target = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (target && target.closest("div.pair > div.cell") && !target.checkVisibility()) choose("both");
  };
  addEventListener("hashchange", reveal);
  reveal();

  // ---- the formula behind a number, under the pointer or the focus ----
  const formulas = new Map([...document.querySelectorAll("template[data-equation]")]
    .map((template) => [template.dataset.equation, template]));
  let box = null, owner = null;
  const hide = () => {
    if (owner) owner.removeAttribute("aria-describedby");
    if (box) box.remove();
    box = owner = null;
  };
  const show = (link, template) => {
    hide();
    owner = link;
    box = document.createElement("div");
    box.className = "equation-preview";
    box.id = "equation-preview";
    box.setAttribute("role", "tooltip");
    box.append(template.content.cloneNode(true));
    document.body.append(box);
    link.setAttribute("aria-describedby", box.id);
    const at = link.getBoundingClientRect();
    const left = Math.max(16, Math.min(at.left, root.clientWidth - box.offsetWidth - 16));
    const above = at.top - box.offsetHeight - 8;
    box.style.left = `${left + scrollX}px`;
    box.style.top = `${(above > 0 ? above : at.bottom + 8) + scrollY}px`;
  };
  for (const link of document.querySelectorAll('article a[href*="#equation-"]')) {
    const template = formulas.get(link.hash.slice(1));
    if (!template || link.classList.contains("headerlink")) continue;
    for (const event of ["mouseenter", "focus"]) link.addEventListener(event, () => show(link, template));
    for (const event of ["mouseleave", "blur"]) link.addEventListener(event, hide);
  }
  addEventListener("keydown", (event) => { if (event.key === "Escape") hide(); });

  // ---- what scrolls in its own box can be reached by keyboard ----
  const boxes = document.querySelectorAll("article :is(.math > .formula, dd .math, div.highlight pre, .pst-scrollable-table-container)");
  const reach = () => {
    for (const box of boxes) {
      const scrolls = box.scrollWidth > box.clientWidth;
      if (scrolls) box.tabIndex = 0;
      else box.removeAttribute("tabindex");
    }
  };
  addEventListener("resize", reach);
  // once the page is drawn: to ask before would make the browser lay it out twice
  document.fonts.ready.then(() => requestAnimationFrame(() => setTimeout(reach)));

  // ---- paper is white, and shows what is folded, also where the style alone cannot ----
  let opened = [], theme = "";
  addEventListener("beforeprint", () => {
    theme = root.dataset.theme;
    root.dataset.theme = "light";
    opened = [...document.querySelectorAll("article details:not([open])")];
    for (const fold of opened) fold.open = true;
  });
  addEventListener("afterprint", () => {
    root.dataset.theme = theme;
    for (const fold of opened) fold.open = false;
  });
})();
