// Makes a table[role=grid] of links one stop of the Tab key, in which arrow keys move, and lets its cells be selected
// where it is aria-multiselectable. It knows nothing of what they hold: whoever does listens to "grid:at" (detail.cell:
// the td or th that is pointed at) and "grid:selection" (detail.cells: every selected td), and sends "grid:clear", or
// "grid:choose" (detail.on: whether clicks set the corners of what is selected, as on a phone, which cannot drag).
(() => {
  "use strict";
  const PAGE = 10;

  class Grid {
    constructor(table) {
      this.table = table;
      this.rows = [...table.tBodies[0].rows].map((row) => [...row.cells]);
      this.places = new Map();
      this.rows.forEach((row, r) => row.forEach((cell, c) => this.places.set(cell, [r, c])));
      this.selectable = table.getAttribute("aria-multiselectable") === "true";
      this.selected = new Set();
      this.before = new Set(); // what was selected when the present rectangle was begun
      this.corner = null; // where it was begun
      this.drag = null;
      this.choosing = false;
      const stops = [...this.places.keys()].map((cell) => cell.firstElementChild).filter(Boolean);
      for (const stop of stops) {
        stop.tabIndex = -1;
        stop.draggable = false;
      }
      const chosen = table.querySelector("tbody td.chosen > a") || table.querySelector("tbody td > a");
      this.stop = chosen || stops[0];
      this.stop.tabIndex = 0;
      table.addEventListener("focusin", (event) => this.focused(event.target.closest("td, th")));
      table.addEventListener("keydown", (event) => this.pressed(event));
      table.addEventListener("pointerover", (event) => this.over(event));
      if (this.selectable) {
        table.addEventListener("pointerdown", (event) => this.down(event));
        window.addEventListener("pointerup", () => this.up());
        table.addEventListener("click", (event) => this.clicked(event), true);
        table.addEventListener("grid:clear", () => this.select([]));
        table.addEventListener("grid:choose", (event) => {
          this.choosing = event.detail.on;
          this.corner = null;
        });
      }
    }

    tell(name, detail) {
      this.table.dispatchEvent(new CustomEvent(name, { detail, bubbles: true }));
    }

    // --- moving -----------------------------------------------------------------------------------------------------
    focused(cell) {
      if (!this.places.has(cell)) {
        return; // a link of the head
      }
      this.stop.tabIndex = -1;
      this.stop = cell.firstElementChild;
      this.stop.tabIndex = 0;
      this.tell("grid:at", { cell });
    }

    cellAt(r, c) {
      return this.rows[r]?.[c];
    }

    // The next cell in a direction that holds something; where there is none, the one it came from.
    step([r, c], down, right, times = 1) {
      let last = [r, c];
      for (let n = 0; n < times; n += 1) {
        let [row, column] = [last[0] + down, last[1] + right];
        while (this.cellAt(row, column) && !this.cellAt(row, column).firstElementChild) {
          [row, column] = [row + down, column + right];
        }
        if (!this.cellAt(row, column)) {
          break;
        }
        last = [row, column];
      }
      return last;
    }

    pressed(event) {
      const cell = event.target.closest("td, th");
      const at = this.places.get(cell);
      if (!at || event.altKey) {
        return;
      }
      const far = 1e6;
      const all = event.ctrlKey || event.metaKey;
      const moves = {
        ArrowUp: [-1, 0, all ? far : 1],
        ArrowDown: [1, 0, all ? far : 1],
        ArrowLeft: [0, -1, all ? far : 1],
        ArrowRight: [0, 1, all ? far : 1],
        PageUp: [-1, 0, PAGE],
        PageDown: [1, 0, PAGE],
        Home: [0, -1, far],
        End: [0, 1, far],
      };
      if (event.key in moves) {
        event.preventDefault();
        let to = this.step(at, ...moves[event.key]);
        if (all && (event.key === "Home" || event.key === "End")) {
          to = this.step(to, event.key === "Home" ? -1 : 1, 0, far);
        }
        if (event.shiftKey && this.selectable) {
          this.begin(this.corner || at, this.selected, !this.corner);
          this.stretch(to);
        } else {
          this.corner = null;
        }
        const next = this.cellAt(...to);
        next.firstElementChild.focus();
        next.scrollIntoView({ block: "nearest", inline: "nearest" });
      } else if (event.key === " " && this.selectable) {
        event.preventDefault();
        if (event.shiftKey) {
          this.toggle(this.rows[at[0]]);
        } else if (all) {
          this.toggle(this.rows.map((row) => row[at[1]]));
        } else {
          this.toggle([cell]);
        }
      } else if (event.key === "Escape" && this.selected.size) {
        event.preventDefault();
        this.select([]);
      }
    }

    // --- selecting --------------------------------------------------------------------------------------------------
    select(cells) {
      const wanted = new Set([...cells].filter((cell) => cell.tagName === "TD" && cell.firstElementChild));
      for (const cell of this.selected) {
        if (!wanted.has(cell)) {
          cell.removeAttribute("aria-selected");
        }
      }
      for (const cell of wanted) {
        cell.setAttribute("aria-selected", "true");
      }
      this.selected = wanted;
      if (!wanted.size) {
        this.corner = null;
      }
      this.tell("grid:selection", { cells: [...wanted] });
    }

    toggle(cells) {
      const those = cells.filter((cell) => cell && cell.tagName === "TD");
      const away = those.every((cell) => this.selected.has(cell));
      const others = [...this.selected].filter((cell) => !those.includes(cell));
      this.corner = null;
      this.select(away ? others : [...others, ...those]);
    }

    // A rectangle from `corner`, beside what is selected (`beside`) if it is a new one.
    begin(corner, beside, isNew = true) {
      if (isNew) {
        this.before = new Set(beside);
      }
      this.corner = corner;
    }

    stretch([r, c]) {
      const [r0, c0] = this.corner;
      const cells = new Set(this.before);
      for (let row = Math.min(r, r0); row <= Math.max(r, r0); row += 1) {
        for (let column = Math.min(c, c0); column <= Math.max(c, c0); column += 1) {
          cells.add(this.cellAt(row, column));
        }
      }
      cells.delete(undefined);
      this.select(cells);
    }

    // --- pointers ---------------------------------------------------------------------------------------------------
    down(event) {
      const cell = event.target.closest("td");
      if (event.pointerType !== "mouse" || event.button !== 0 || !this.places.has(cell) || this.choosing) {
        return;
      }
      this.drag = { from: cell, moved: false, beside: event.ctrlKey || event.metaKey ? this.selected : [] };
    }

    over(event) {
      const cell = event.target.closest("td, th");
      if (!this.places.has(cell)) {
        return;
      }
      if (this.drag && cell.tagName === "TD" && (this.drag.moved || cell !== this.drag.from)) {
        if (!this.drag.moved) {
          this.drag.moved = true;
          this.table.classList.add("cov-dragging");
          this.begin(this.places.get(this.drag.from), this.drag.beside);
        }
        this.stretch(this.places.get(cell));
      }
      this.tell("grid:at", { cell });
    }

    up() {
      if (!this.drag) {
        return;
      }
      this.table.classList.remove("cov-dragging");
      this.dragged = this.drag.moved; // the click that comes of it is none
      this.drag = null;
      setTimeout(() => {
        this.dragged = false;
      });
    }

    clicked(event) {
      const cell = event.target.closest("td");
      if (!this.places.has(cell)) {
        return;
      }
      const at = this.places.get(cell);
      const more = event.ctrlKey || event.metaKey;
      if (!this.dragged && !event.shiftKey && !more && !this.choosing) {
        return; // it is a link
      }
      event.preventDefault();
      event.stopPropagation();
      if (this.dragged) {
        return;
      }
      if (this.choosing) {
        if (this.corner) {
          this.stretch(at);
          this.corner = null;
        } else {
          this.begin(at, this.selected);
          this.stretch(at);
        }
        this.tell("grid:at", { cell });
      } else if (event.shiftKey) {
        this.begin(this.corner || this.places.get(this.stop.parentElement) || at, this.selected, !this.corner);
        this.stretch(at);
      } else {
        this.toggle([cell]);
        this.corner = at;
        this.before = new Set(this.selected);
      }
    }
  }

  for (const table of document.querySelectorAll("table[role=grid]")) {
    new Grid(table);
  }
})();
