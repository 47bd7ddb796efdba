// Says what the cell of coverage holds that is pointed at, and leads from the selected ones to Start import, filled in.
// The start form takes one range of days for all its parks: of several cells that is the range from the first of them
// to the last, and what of it was not selected is said. grid.js moves and selects.
(() => {
  "use strict";
  const number = new Intl.NumberFormat("en");
  const counted = (count, one) => `${number.format(count)} ${one}${count === 1 ? "" : "s"}`;
  const size = (bytes) => {
    let [amount, unit] = [bytes / 1e6, "MB"];
    for (const larger of ["GB", "TB"]) {
      if (amount >= 1000) {
        [amount, unit] = [amount / 1000, larger];
      }
    }
    return `${amount.toFixed(amount < 10 ? 2 : amount < 100 ? 1 : 0)} ${unit}`;
  };

  // of a cell: days, imported, rows, bytes, without events, missing, unreadable, hours lack (coverage_table.figures)
  const figures = (cell) => {
    const [days = 0, imported = 0, rows = 0, bytes = 0, empty = 0, missing = 0, unreadable = 0, seam = 0] = (
      cell.firstElementChild.dataset.n || ""
    )
      .split(" ")
      .map(Number);
    const untried = Math.max(0, days - imported - empty - missing - unreadable);
    return { days, imported, rows, bytes, empty, missing, unreadable, seam, untried };
  };

  // as imports.archive.coverage.Held says it
  const inWords = (held) => {
    if (!held.days) {
      return "before the park's first known day";
    }
    const parts = [`${held.imported} of ${counted(held.days, "day")} imported`];
    const more = [
      [held.rows, counted(held.rows, "row")],
      [held.bytes >= 5000, `files of ${size(held.bytes)}`],
      [held.empty, `${held.empty} without an event in their files`],
      [held.missing, `${held.missing} for which the source had no file`],
      [held.unreadable, `${held.unreadable} unreadable`],
      [held.untried, `${held.untried} never tried`],
      [held.seam, "hours between the days of two feeds not asked for"],
    ];
    return [...parts, ...more.filter(([there]) => there).map(([, said]) => said)].join(", ");
  };

  const parkOf = (cell) => cell.parentElement.dataset.park;
  const nameOf = (cell) => cell.parentElement.cells[0].textContent.trim();

  class Coverage {
    constructor(root) {
      this.root = root;
      this.kind = root.dataset.coverage;
      this.table = root.querySelector("table");
      this.heads = [...this.table.tHead.rows[this.table.tHead.rows.length - 1].cells];
      this.said = root.querySelector("[data-said]");
      this.moves = root.querySelector("[data-moves]");
      this.table.addEventListener("grid:at", (event) => this.at(event.detail.cell));
      this.table.addEventListener("grid:selection", (event) => this.selection(event.detail.cells));
      if (root.dataset.start) {
        this.offer();
      }
      const scroll = root.querySelector(".cov-scroll");
      const chosen = this.table.querySelector("td.chosen");
      if (scroll && chosen) {
        const [inside, cell] = [scroll.getBoundingClientRect(), chosen.getBoundingClientRect()];
        const names = 3 * cell.height; // room for the head, so that the row stands right below it
        scroll.scrollTo(cell.left - inside.left - inside.width / 2, cell.top - inside.top - names);
      } else if (scroll) {
        scroll.scrollLeft = scroll.scrollWidth; // the newest
      }
    }

    // --- what a cell is ---------------------------------------------------------------------------------------------
    column(cell) {
      return this.heads[cell.cellIndex].dataset.column;
    }

    at(cell) {
      if (this.kind === "days") {
        this.said.textContent = cell.firstElementChild.title;
      } else if (cell.tagName === "TH") {
        this.said.textContent = `${nameOf(cell)}: its page`;
      } else {
        const held = figures(cell);
        const share = held.days ? ` (${Math.floor((100 * (held.imported + held.empty)) / held.days)} %)` : "";
        this.said.textContent = `${nameOf(cell)}, ${this.column(cell)}${share}: ${inWords(held)}`;
      }
    }

    // the days of a cell, both included, as YYYY-MM-DD
    days(cell) {
      if (this.kind === "days") {
        return [cell.firstElementChild.dataset.day, cell.firstElementChild.dataset.day];
      }
      const [year, month] = this.column(cell).split("-");
      if (!month) {
        return [`${year}-01-01`, `${year}-12-31`];
      }
      const last = new Date(Date.UTC(Number(year), Number(month), 0)).getUTCDate();
      return [`${year}-${month}-01`, `${year}-${month}-${last}`];
    }

    // --- what can be done with several ------------------------------------------------------------------------------
    offer() {
      this.go = document.createElement("a");
      this.go.className = "button default";
      this.go.textContent = "Import what is missing";
      this.go.hidden = true;
      this.choose = document.createElement("button");
      this.choose.type = "button";
      this.choose.textContent = this.kind === "days" ? "Select days" : "Select several";
      this.choose.setAttribute("aria-pressed", "false");
      this.choose.addEventListener("click", () => this.choosing(this.choose.getAttribute("aria-pressed") !== "true"));
      this.clear = document.createElement("button");
      this.clear.type = "button";
      this.clear.textContent = "Clear";
      this.clear.hidden = true;
      this.clear.addEventListener("click", () => this.table.dispatchEvent(new CustomEvent("grid:clear")));
      this.what = document.createElement("span");
      this.what.setAttribute("role", "status");
      this.moves.append(this.go, this.choose, this.clear, this.what);
      this.moves.hidden = false;
    }

    choosing(on) {
      this.choose.setAttribute("aria-pressed", String(on));
      this.table.dispatchEvent(new CustomEvent("grid:choose", { detail: { on } }));
      this.said.textContent = on ? "Choose one corner, then the opposite one; and again for more." : "";
    }

    selection(cells) {
      this.go.hidden = this.clear.hidden = !cells.length;
      if (!cells.length) {
        this.what.textContent = "";
        return;
      }
      const parks = [...new Set(cells.map(parkOf))];
      const days = cells.flatMap((cell) => this.days(cell)).sort();
      const today = this.root.dataset.today;
      const [from, to] = [days[0], [days[days.length - 1], today].sort()[0]];
      const sources = new Set(cells.map((cell) => cell.parentElement.dataset.source).filter(Boolean));
      const asked = new URLSearchParams(parks.map((park) => ["park", park]));
      asked.append("from", from);
      asked.append("to", to);
      asked.append("days", "missing");
      if (sources.size === 1) {
        asked.append("source", [...sources][0]);
      }
      this.go.href = `${this.root.dataset.start}?${asked}`;
      this.go.hidden = from > today;
      this.what.textContent = [
        ...(this.kind === "days" ? [counted(cells.length, "day")] : [this.lacking(cells, parks)]),
        ...(cells.length > 1 ? [`One range for all: ${from} to ${to}`] : [`${from} to ${to}`]),
        ...this.unasked(cells, parks),
        ...(sources.size > 1 ? ["These parks came from different sources: choose one on the next page"] : []),
      ].join(". ");
    }

    lacking(cells, parks) {
      const held = cells.map(figures);
      const sum = (name) => held.reduce((total, each) => total + each[name], 0);
      const lacks = sum("untried") + sum("unreadable") + sum("missing");
      const none = sum("missing") ? ` (${number.format(sum("missing"))} of them the source did not have)` : "";
      const unit = this.kind === "years" ? "year" : "month";
      return (
        `${counted(parks.length, "park")}, ${counted(cells.length, unit)} in all: ` +
        `${lacks ? `${counted(lacks, "day")} missing${none}` : "nothing is missing"}`
      );
    }

    // what lies in the range of all, and was not selected
    unasked(cells, parks) {
      const all = new Set(cells);
      const columns = cells.map((cell) => cell.cellIndex);
      const [first, last] = [Math.min(...columns), Math.max(...columns)];
      if (this.kind === "days") {
        const inside = cells.map((cell) => this.days(cell)[0]).sort();
        const count = (Date.parse(inside[inside.length - 1]) - Date.parse(inside[0])) / 86_400_000 + 1 - cells.length;
        return count ? [`It takes in ${counted(count, "day")} that ${count === 1 ? "is" : "are"} not selected`] : [];
      }
      const rows = [...this.table.tBodies[0].rows].filter((row) => parks.includes(row.dataset.park));
      const others = rows.flatMap((row) => [...row.cells].slice(first, last + 1)).filter((cell) => !all.has(cell));
      if (!others.length) {
        return [];
      }
      const lacks = others.map(figures).reduce((sum, each) => sum + each.untried + each.unreadable + each.missing, 0);
      return [
        `It takes in ${counted(others.length, this.kind === "years" ? "year" : "month")} not selected, ` +
          `with ${counted(lacks, "day")} missing`,
      ];
    }
  }

  for (const root of document.querySelectorAll("[data-coverage]")) {
    new Coverage(root);
  }
})();
