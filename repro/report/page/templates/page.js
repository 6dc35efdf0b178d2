"use strict";
(() => {
  const cases = [...document.querySelectorAll(".case")];
  const form = document.querySelector(".filters");

  // A link to a verdict opens it, whichever way one came to it.
  const open = () => {
    let part = document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (part && part.hidden && form) form.reset();
    for (let at = part; at; at = at.parentElement) if (at.tagName === "DETAILS") at.open = true;
    if (part) part.scrollIntoView();
  };

  // Which verdicts are shown: those that every choice lets through. An attribute may hold several values.
  const parts = { section: ",", measure: "|" };
  const holds = (it, name, wanted) => {
    const value = it.dataset[name] || "";
    return parts[name] ? value.split(parts[name]).map((one) => one.trim()).includes(wanted) : value === wanted;
  };
  const filter = () => {
    const chosen = [...form.querySelectorAll("select")].filter((one) => one.value);
    const words = form.elements.words.value.toLowerCase().split(/\s+/).filter(Boolean);
    let count = 0;
    for (const it of cases) {
      const text = words.length ? (it.id + " " + it.querySelector("summary").textContent).toLowerCase() : "";
      it.hidden = !(chosen.every((one) => holds(it, one.name, one.value)) && words.every((word) => text.includes(word)));
      count += !it.hidden;
    }
    for (const one of document.querySelectorAll(".sentence")) one.hidden = !one.querySelector(".case:not([hidden])");
    form.querySelector("output").textContent = `${count} of ${cases.length} shown`;
  };

  // A table is sorted by the column whose heading is pressed; pressed again, the other way round.
  const key = (row, column) => {
    const cell = row.cells[column];
    const text = "value" in cell.dataset ? cell.dataset.value : cell.textContent.trim();
    const number = parseFloat(text.replace(/,/g, ""));
    return { text, number: Number.isNaN(number) ? -Infinity : number, numeric: cell.classList.contains("n") };
  };
  const sort = (heading) => {
    const table = heading.closest("table"), body = table.tBodies[0], column = heading.cellIndex;
    const way = heading.getAttribute("aria-sort") === "ascending" ? -1 : 1;
    for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
    heading.setAttribute("aria-sort", way === 1 ? "ascending" : "descending");
    const rows = [...body.rows].map((row) => [key(row, column), row]);
    rows.sort(([a], [b]) => way * (a.numeric ? a.number - b.number || 0 : a.text.localeCompare(b.text)));
    body.append(...rows.map(([, row]) => row));
  };
  for (const heading of document.querySelectorAll(".sortable thead th")) {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...heading.childNodes);
    button.addEventListener("click", () => sort(heading));
    heading.append(button);
  }

  if (form) {
    form.hidden = false;
    form.addEventListener("input", filter);
    form.addEventListener("submit", (event) => event.preventDefault());
    form.addEventListener("reset", () => setTimeout(filter));
    form.querySelector("[data-open]").addEventListener("click", () => cases.forEach((it) => { if (!it.hidden) it.open = true; }));
    filter();
  }
  window.addEventListener("hashchange", open);
  if (location.hash) open();
})();
