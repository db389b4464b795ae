// The interactive cell of chapter 2: gates are set by hand, and each step applies the two equations
// of the state. It is one unit of an LSTM.

/** Return the states after a step: c = f c + i g, h = o tanh(c). */
function lstmStep(gates, c) {
  const next = gates.f * c + gates.i * gates.g;
  return { c: next, h: gates.o * Math.tanh(next) };
}

const CELL_WORDS = {
  en: {
    f: "forget gate f", i: "input gate i", g: "candidate g", o: "output gate o",
    write: "Write", keep: "Keep", show: "Keep and show", forget: "Forget", step: "Step", reset: "Start again",
    now: "after step", plot: "Cell state c and hidden state h over the steps",
  },
  zh: {
    f: "遗忘门 f", i: "输入门 i", g: "候选值 g", o: "输出门 o",
    write: "写入", keep: "保留", show: "保留并展示", forget: "遗忘", step: "走一步", reset: "重新开始",
    now: "步数", plot: "单元状态 c 与隐藏状态 h 随步数的变化",
  },
};
const CELL_PRESETS = {
  write: { f: 1, i: 1, g: 1, o: 0 }, keep: { f: 1, i: 0, g: 0, o: 0 },
  show: { f: 1, i: 0, g: 0, o: 1 }, forget: { f: 0.5, i: 0, g: 0, o: 1 },
};

function lstmCell(place) {
  const words = CELL_WORDS[document.documentElement.lang.startsWith("zh") ? "zh" : "en"];
  const gates = { f: 1, i: 1, g: 1, o: 1 };
  const trace = [{ c: 0, h: 0 }];
  const made = (tag, parent, props = {}) => parent.appendChild(Object.assign(document.createElement(tag), props));

  const sliders = {};
  for (const name of "figo") {
    const label = made("label", place);
    made("span", label, { textContent: words[name] });
    const low = name === "g" ? -1 : 0;
    const slider = made("input", label, { type: "range", min: low, max: 1, step: 0.05, value: gates[name] });
    const shown = made("output", label);
    slider.addEventListener("input", () => { gates[name] = Number(slider.value); show(); });
    sliders[name] = { slider, shown };
  }
  const buttons = made("div", place, { className: "buttons" });
  const button = (text, act, parent) =>
    made("button", parent, { type: "button", textContent: text, className: "md-button" })
      .addEventListener("click", () => { act(); show(); });
  for (const [name, values] of Object.entries(CELL_PRESETS)) {
    button(words[name], () => Object.assign(gates, values), buttons);
  }
  const steps = made("div", place, { className: "buttons" });
  button(words.step, () => trace.push(lstmStep(gates, trace.at(-1).c)), steps);
  button(words.reset, () => { trace.length = 1; }, steps);
  const told = made("p", place);
  told.setAttribute("role", "status");
  const plot = made("div", place);

  function line(key) {
    const recent = trace.slice(-40);
    const points = recent.map((each, n) => `${10 + n * 9.7},${60 - 25 * Math.max(-2, Math.min(2, each[key]))}`);
    const dots = points.map((each) => `<circle cx="${each.split(",")[0]}" cy="${each.split(",")[1]}" r="2.5"/>`);
    return `<g class="${key}"><polyline points="${points.join(" ")}"/>${dots.join("")}</g>`;
  }
  function show() {
    for (const [name, { slider, shown }] of Object.entries(sliders)) {
      slider.value = gates[name];
      shown.textContent = gates[name].toFixed(2);
    }
    const { c, h } = trace.at(-1);
    told.textContent = `${words.now} ${trace.length - 1}: c = ${c.toFixed(3)}, h = ${h.toFixed(3)}`;
    plot.innerHTML = `<svg viewBox="0 0 400 120" role="img" aria-label="${words.plot}">` +
      `<line x1="10" x2="395" y1="60" y2="60"/>${line("c")}${line("h")}` +
      `<text x="12" y="12" class="c">c</text><text x="26" y="12" class="h">h</text></svg>`;
  }
  show();
}

if (typeof document !== "undefined") {
  document.addEventListener("DOMContentLoaded", () => document.querySelectorAll(".lstm-cell").forEach(lstmCell));
} else {
  module.exports = { lstmStep };
}
