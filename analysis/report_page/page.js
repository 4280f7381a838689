"use strict";
// Sorting, filtering, the switch of units, and sections that open when something points at them.
(() => {
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];

  // ---- sorting: ascending, descending, the order of the study; what has no value comes last ----

  const CYCLE = { none: "ascending", ascending: "descending", descending: "none" };
  const SIGN = { ascending: 1, descending: -1 };
  const words = new Intl.Collator("en", { numeric: true });

  function compareCells(a, b, numeric, sign) {
    const [x, y] = [a.dataset.value, b.dataset.value];
    if (x === "" || y === "") return (x === "") - (y === "");
    return sign * (numeric ? Number(x) - Number(y) : words.compare(x, y));
  }

  function makeSortable(table) {
    const body = table.tBodies[0];
    const original = [...body.rows];
    const headers = all("th[aria-sort]", table);
    for (const header of headers) {
      header.querySelector("button").addEventListener("click", () => {
        const order = CYCLE[header.getAttribute("aria-sort")];
        for (const other of headers) other.setAttribute("aria-sort", other === header ? order : "none");
        const numeric = header.dataset.kind === "number";
        const column = header.cellIndex;
        const rows = [...original];
        if (order !== "none") {
          rows.sort((a, b) => compareCells(a.cells[column], b.cells[column], numeric, SIGN[order]));
        }
        body.append(...rows);
      });
    }
  }

  all("table.sortable").forEach(makeSortable);

  // ---- filter: every word must occur in the run's name, swept values or verdict ----

  const filter = document.getElementById("filter");
  const trustedOnly = document.getElementById("trusted-only");
  const rows = all("#study tbody tr");

  function applyFilter() {
    const wanted = filter.value.toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    for (const row of rows) {
      const text = row.dataset.search.toLowerCase();
      const fits = wanted.every((word) => text.includes(word));
      row.hidden = !fits || (trustedOnly.checked && row.dataset.state !== "trusted");
      shown += !row.hidden;
    }
    document.getElementById("count").textContent = `${shown} of ${rows.length} runs shown`;
  }

  filter.addEventListener("input", applyFilter);
  trustedOnly.addEventListener("change", applyFilter);

  // ---- units ----

  function applyUnits() {
    document.documentElement.dataset.units = document.querySelector("input[name=units]:checked").value;
  }

  for (const choice of all("input[name=units]")) choice.addEventListener("change", applyUnits);

  // ---- sections of runs ----

  const sections = all("details.run");

  function openTarget() {
    const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (!target?.matches("details.run")) return;
    target.open = true;
    target.scrollIntoView();
    target.querySelector("summary").focus({ preventScroll: true });
  }

  function openAll(open) {
    for (const section of sections) section.open = open;
  }

  addEventListener("hashchange", openTarget);
  addEventListener("click", (event) => {
    const link = event.target.closest("a[href^='#run-']");
    if (link && link.hash === location.hash) openTarget(); // no hashchange when it is followed again
  });
  addEventListener("beforeprint", () => openAll(true));
  document.getElementById("open-all").addEventListener("click", () => openAll(true));
  document.getElementById("close-all").addEventListener("click", () => openAll(false));

  for (const controls of all(".controls[hidden]")) controls.hidden = false;
  applyUnits(); // a browser may have kept what was chosen before a reload
  applyFilter();
  openTarget();
})();
