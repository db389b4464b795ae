// A chart of a series that grows, and of what the model says about it.

const ROOM = 0.25; // share of the width that is kept for what lies ahead

export class Chart {
  constructor(canvas) {
    this.canvas = canvas;
    this.low = 0;
    this.high = 1;
    this.shown = 120; // steps across the whole width
    new ResizeObserver(() => this.draw()).observe(canvas);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.draw());
    this.clear();
  }

  clear() {
    this.lines = []; // own values, a list for each column
    this.expected = [];
    this.alarms = new Set();
    this.ahead = [];
    this.bands = [];
    this.cursor = null;
    this.draw();
  }

  get steps() { return this.lines[0]?.length ?? 0; }

  widen(values) {
    const known = values.filter((value) => typeof value === "number");
    if (!known.length) return;
    const low = Math.min(...known), high = Math.max(...known), room = 0.08 * (high - low);
    if (low < this.low) this.low = low - room;
    if (high > this.high) this.high = high + room;
  }

  // The value at a height of the canvas, from 0 (top) to 1.
  valueAt(height) { return this.high - height * (this.high - this.low); }

  draw() {
    const scale = devicePixelRatio || 1;
    const { clientWidth: width, clientHeight: height } = this.canvas;
    if (!width) return;
    this.canvas.width = width * scale;
    this.canvas.height = height * scale;
    const pen = this.canvas.getContext("2d");
    pen.scale(scale, scale);
    const style = getComputedStyle(document.documentElement);
    const colour = (name) => style.getPropertyValue(`--${name}`);
    const first = Math.max(0, this.steps - Math.round(this.shown * (1 - ROOM)));
    const x = (step) => ((step - first + 0.5) / this.shown) * width;
    const y = (value) => 8 + ((this.high - value) / (this.high - this.low)) * (height - 16);
    this.grid(pen, width, y, colour);
    const line = (values, from, name, wide, dash = []) => {
      pen.beginPath();
      pen.strokeStyle = colour(name);
      pen.lineWidth = wide;
      pen.setLineDash(dash);
      let isDown = false;
      values.forEach((value, index) => {
        if (typeof value !== "number" || from + index < first) { isDown = false; return; }
        if (isDown) pen.lineTo(x(from + index), y(value)); else pen.moveTo(x(from + index), y(value));
        isDown = true;
      });
      pen.stroke();
      pen.setLineDash([]);
    };
    pen.fillStyle = colour("band");
    for (const band of this.bands) {
      pen.beginPath();
      band.high.forEach((value, index) => pen.lineTo(x(this.steps + index), y(value)));
      for (let index = band.low.length - 1; index >= 0; index--) pen.lineTo(x(this.steps + index), y(band.low[index]));
      pen.fill();
    }
    this.lines.forEach((values, number) => {
      pen.globalAlpha = number ? 0.45 : 1;
      line(values, 0, "own", 2);
    });
    pen.globalAlpha = 1;
    line(this.expected, 0, "model", 2, [5, 4]);
    if (this.ahead.length) {
      const last = this.lines[0]?.at(-1);
      line([last, ...this.ahead], this.steps - 1, "model", 2.5, [6, 4]);
    }
    pen.fillStyle = colour("alarm");
    for (const step of this.alarms) {
      const value = this.lines[0][step];
      if (step < first || typeof value !== "number") continue;
      pen.beginPath();
      pen.arc(x(step), y(value), 5, 0, 7);
      pen.fill();
    }
    if (this.cursor !== null) {
      pen.fillStyle = colour("model");
      pen.beginPath();
      pen.arc(x(this.steps), y(this.cursor), 6, 0, 7);
      pen.fill();
    }
  }

  grid(pen, width, y, colour) {
    const rough = (this.high - this.low) / 4;
    const power = 10 ** Math.floor(Math.log10(rough));
    const step = power * [1, 2, 5, 10].find((each) => each * power >= rough);
    pen.font = "12px system-ui, sans-serif";
    pen.lineWidth = 1;
    for (let value = Math.ceil(this.low / step) * step; value <= this.high; value += step) {
      pen.strokeStyle = colour("line");
      pen.beginPath();
      pen.moveTo(0, y(value));
      pen.lineTo(width, y(value));
      pen.stroke();
      pen.fillStyle = colour("soft");
      pen.fillText(String(+value.toPrecision(6)), 4, y(value) - 4);
    }
  }
}
