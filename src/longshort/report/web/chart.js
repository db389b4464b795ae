// A chart of sequences that people draw: by pointer, or with the arrow keys.
class Chart {
  constructor(place, columns, changed) {
    this.columns = columns;
    this.changed = changed;
    this.column = 0;
    this.step = 0;
    this.node = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    this.node.setAttribute("tabindex", "0");
    this.node.setAttribute("role", "application");
    this.node.setAttribute("aria-label", "Chart of the numbers: left and right choose a step, up and down change it");
    place.append(this.node);
    const draw = (event) => {
      if (event.buttons !== 1) { this.before = null; return; }
      this.point(event);
      event.preventDefault();
    };
    this.node.addEventListener("pointerdown", (event) => {
      this.node.setPointerCapture(event.pointerId);
      this.before = null;
      draw(event);
    });
    this.node.addEventListener("pointermove", draw);
    this.node.addEventListener("keydown", (event) => this.key(event));
  }

  // rows [T][F]; ahead: {low, middle, high} of steps that follow, of one column.
  show(rows, ahead = null) {
    this.rows = rows;
    const width = 640, height = 260, count = rows.length + (ahead ? ahead.middle.length : 0);
    const all = rows.flat().concat(ahead ? [...ahead.low, ...ahead.high] : []);
    let low = Math.min(...all), high = Math.max(...all);
    if (!(high > low)) { low -= 1; high += 1; }
    const room = (high - low) * 0.12;
    if (!this.drawing) Object.assign(this, { low: low - room, high: high + room });
    const x = (t) => 44 + (t * (width - 56)) / Math.max(count - 1, 1);
    const y = (v) => 12 + ((this.high - v) * (height - 40)) / (this.high - this.low);
    Object.assign(this, { x, y, width, height, count });
    const line = (values, from = 0) => values.map((v, t) => `${t ? "L" : "M"}${x(t + from).toFixed(1)} ${y(v).toFixed(1)}`).join("");
    const short = (v) => String(Number(v.toPrecision(3)));
    let inner = [0, 0.5, 1].map((share) => {
      const v = this.low + share * (this.high - this.low), at = y(v).toFixed(1);
      return `<line class="grid" x1="44" x2="${width - 12}" y1="${at}" y2="${at}"/><text x="38" y="${+at + 4}" text-anchor="end">${short(v)}</text>`;
    }).join("");
    const marked = x(this.step).toFixed(1);
    if (document.activeElement === this.node) inner += `<line class="mark" x1="${marked}" x2="${marked}" y1="12" y2="${height - 28}"/>`;
    this.columns.forEach((_, f) => { inner += `<path class="c${f % 4}" d="${line(rows.map((row) => row[f]))}"/>`; });
    if (ahead) {
      const n = rows.length, back = ahead.low.map((_, i) => ahead.low.length - 1 - i);
      inner += `<path class="band" d="${line(ahead.high, n)}${back.map((t) => `L${x(t + n).toFixed(1)} ${y(ahead.low[t]).toFixed(1)}`).join("")}Z"/>`;
      inner += `<path class="ahead" d="${line([rows[n - 1][0], ...ahead.middle], n - 1)}"/>`;
    }
    inner += `<text x="${x(0)}" y="${height - 10}">step 1</text><text x="${x(count - 1)}" y="${height - 10}" text-anchor="end">${count}</text>`;
    this.node.setAttribute("viewBox", `0 0 ${width} ${height}`);
    this.node.innerHTML = inner;
  }

  point(event) {
    const box = this.node.getBoundingClientRect();
    const t = ((event.clientX - box.left) / box.width) * this.width;
    const v = ((event.clientY - box.top) / box.height) * this.height;
    const step = Math.round(((t - 44) * Math.max(this.count - 1, 1)) / (this.width - 56));
    const value = this.high - ((v - 12) * (this.high - this.low)) / (this.height - 40);
    const here = Math.min(Math.max(step, 0), this.rows.length - 1);
    const from = this.before || { here, value };
    for (let k = Math.min(from.here, here); k <= Math.max(from.here, here); k++) {
      const share = here === from.here ? 1 : (k - from.here) / (here - from.here);
      this.rows[k][this.column] = from.value + share * (value - from.value);
    }
    this.before = { here, value };
    this.step = here;
    this.drawing = true;
    this.changed(this.rows);
    this.drawing = false;
  }

  key(event) {
    const moves = { ArrowLeft: -1, ArrowRight: 1 }, lifts = { ArrowUp: 1, ArrowDown: -1 };
    if (event.key in moves) this.step = Math.min(Math.max(this.step + moves[event.key], 0), this.rows.length - 1);
    else if (event.key in lifts) this.rows[this.step][this.column] += (lifts[event.key] * (this.high - this.low)) / 40;
    else return;
    event.preventDefault();
    this.changed(this.rows);
  }
}
