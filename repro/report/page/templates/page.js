"use strict";
(() => {
  const cases = [...document.querySelectorAll(".case")];
  const form = document.querySelector(".filters");
  form.hidden = false;
  const all = (query, of = document) => [...of.querySelectorAll(query)];

  // Which verdicts are shown: those that every choice lets through. An attribute may hold several values.
  const parts = { section: ",", measure: "|" };
  const holds = (it, name, wanted) => {
    const value = it.dataset[name] || "";
    return parts[name] ? value.split(parts[name]).map((one) => one.trim()).includes(wanted) : value === wanted;
  };
  const choose = () => {
    const chosen = all("select", form).filter((one) => one.value);
    const words = form.elements.words.value.toLowerCase().split(/\s+/).filter(Boolean);
    for (const it of cases) {
      const text = words.length ? (it.id + " " + it.querySelector("summary").textContent).toLowerCase() : "";
      it.hidden = !(chosen.every((one) => holds(it, one.name, one.value)) && words.every((word) => text.includes(word)));
    }
  };

  // Everything else shows what the shown verdicts rest on: their claims, scorecard, values and figures.
  const follow = () => {
    const shown = cases.filter((it) => !it.hidden);
    const places = new Set(shown.flatMap((it) => [it.id, ...it.dataset.places.split("|")]));
    const measure = form.elements.measure ? form.elements.measure.value : "";
    for (const it of all("[data-place]")) it.hidden = !places.has(it.dataset.place);
    for (const it of all("figure[data-measure], .values [data-measure]")) {
      const other = Boolean(measure) && !holds(it, "measure", measure);
      it.hidden = other || ("place" in it.dataset && it.hidden);
    }
    for (const row of all("#claims tr[data-place]")) {
      count(row, shown.filter((it) => it.dataset.places.split("|").includes(row.dataset.place)));
    }
    for (const card of all(".of-card")) narrow(card);
    form.querySelector("output").textContent = `${shown.length} of ${cases.length} shown`;
    for (const note of all(".narrowed")) {
      const of = all(note.dataset.each, note.parentElement).filter((it) => it.dataset.place || it.matches(".case"));
      const left = of.filter((it) => !it.hidden);
      note.hidden = left.length === of.length;
      note.firstElementChild.textContent = `${left.length} of ${of.length} ${note.dataset.noun} shown.`;
    }
  };
  // As the page is written: the tests of what the paper says itself, and beside them what goes beyond its text.
  const count = (row, all) => {
    const shown = all.filter((it) => it.dataset.standing === "paper");
    const others = all.filter((it) => it.dataset.standing !== "paper").map((it) => it.dataset.verdict);
    let decided = 0;
    for (const cell of row.querySelectorAll("[data-count]")) {
      const outcome = cell.dataset.count, number = shown.filter((it) => it.dataset.verdict === outcome).length;
      if (outcome === "holds" || outcome === "fails") decided += number;
      cell.textContent = number;
      cell.className = "n " + (number ? "o-" + outcome.replace(" ", "-") : "soft");
    }
    const cell = row.querySelector(".sure"), sure = shown.filter((it) => "sure" in it.dataset).length;
    cell.dataset.value = sure;
    cell.textContent = decided ? `${sure} of ${decided}` : "\u2013";
    const beyond = row.querySelector(".beyond"), came = (outcome) => others.filter((one) => one === outcome).length;
    beyond.dataset.value = others.length;
    beyond.textContent = others.length ? `${came("holds")} hold, ${came("fails")} fail of ${others.length}` : "\u2013";
  };
  // A scorecard loses the rows, groups and columns in which nothing is left.
  const narrow = (card) => {
    const left = (of) => of.some((cell) => !cell.hidden);
    const cells = (of) => all("td[data-place]", of);
    for (const of of [card, ...all("tbody", card), ...all("tbody tr:not(.group)", card)]) of.hidden = !left(cells(of));
    const rows = all("tr:not(.group)", card);
    for (let i = 1; i < rows[0].cells.length; i++) {
      const empty = !left(cells(card).filter((cell) => cell.cellIndex === i));
      for (const row of rows) row.cells[i].classList.toggle("gone", empty);
    }
  };

  // The address keeps the place and what was chosen, as in #claim-flat&verdict=fails&task=M1-MNIST.
  const fields = [...form.elements].filter((one) => one.name);
  const there = () => new URLSearchParams(location.hash.slice(1));
  const place = () => [...there().keys()].map((name) => document.getElementById(name)).find(Boolean);
  const take = () => {
    const chosen = there();
    if (!fields.some((one) => chosen.has(one.name))) return;
    for (const one of fields) {
      one.value = chosen.get(one.name) || "";
      if (one.selectedIndex < 0) one.value = "";
    }
  };
  const keep = () => {
    const chosen = new URLSearchParams(fields.filter((one) => one.value).map((one) => [one.name, one.value]));
    const at = place(), shown = at && !at.closest("[hidden]") ? at.id : "";  // a hidden one would end the choice
    const hash = [shown, chosen.toString()].filter(Boolean).join("&");
    history.replaceState(null, "", hash ? `#${hash}` : location.pathname + location.search);
  };
  const filter = () => { choose(); follow(); };

  // A link to a place shows it, whatever was chosen, and opens it, whichever way one came to it.
  const open = () => {
    take();
    filter();
    const part = place();
    if (part && part.closest("[hidden]")) {
      for (const one of fields) one.value = "";
      filter();
    }
    for (let at = part; at; at = at.parentElement) if (at.tagName === "DETAILS") at.open = true;
    if (part) part.scrollIntoView();
    keep();
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

  form.addEventListener("input", filter);
  form.addEventListener("change", keep);
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("reset", () => setTimeout(() => { filter(); keep(); }));
  const opener = document.querySelector("[data-open]");
  opener.hidden = false;
  opener.addEventListener("click", () => cases.forEach((it) => { if (!it.hidden) it.open = true; }));
  window.addEventListener("hashchange", open);
  open();

  // Paper cannot be unfolded: what is folded is printed open, and folded again afterwards.
  let folded = [];
  window.addEventListener("beforeprint", () => {
    folded = all("details:not([open])");
    for (const it of folded) it.open = true;
  });
  window.addEventListener("afterprint", () => folded.forEach((it) => { it.open = false; }));
})();
