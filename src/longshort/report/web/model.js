"use strict";
// The network: WebAssembly, called with arrays of numbers. Nothing leaves the page.
const Model = { times: {} };

Model.load = async function (content) {
  const bytes = Uint8Array.from(atob(content.wasm), (c) => c.charCodeAt(0));
  const { instance } = await WebAssembly.instantiate(bytes);
  Model.content = content;
  Model.run = instance.exports;
  Model.memory = new Float32Array(instance.exports.memory.buffer);
  Model.reset();
};

Model.view = function (name) {
  const [at, count] = Model.content.places[name];
  return Model.memory.subarray(at / 4, at / 4 + count);
};

Model.reset = function () {
  for (const [name, values] of Object.entries(Model.content.start)) {
    const state = Model.view(name);
    values.length ? state.set(values.map(Number)) : state.fill(0);
  }
};

// Call a function, and return its first answer. An argument that the network does not read has no
// place and is left out.
Model.call = function (name, given) {
  // What is not given is 0, never what an earlier call left.
  for (const full of Object.keys(Model.content.places)) {
    const key = full.slice(name.length + 1);
    if (full.startsWith(`${name}.`)) Model.view(full).fill(0).set(given[key] || []);
  }
  const begin = performance.now();
  Model.run[name]();
  Model.times[name] = performance.now() - begin;
  const [first] = Model.content.answers[name];
  return first === undefined ? null : Model.view(`${name}.${first}`);
};

Model.state = () => Object.keys(Model.content.start).map((name) => Model.view(name).slice());
Model.restore = (kept) => Object.keys(Model.content.start).forEach((n, i) => Model.view(n).set(kept[i]));

// Ask what was recorded again; returns the largest difference, relative to the largest value or 1, or
// the share of choices that are others, if that is more.
Model.replay = function () {
  let worst = 0, calls = 0, others = 0, choices = 1e-30;
  const compare = (own, { values, choice }) => {
    const largest = values.reduce((most, x) => Math.max(most, Math.abs(x)), 1);
    values.forEach((x, i) => {
      if (choice) { choices += x >= 0 || own[i] >= 0; others += own[i] !== x; }
      else worst = Math.max(worst, Math.abs(own[i] - x) / largest);
    });
  };
  for (const { name, lead, calls: asked } of Model.content.trials) {
    Model.reset();
    for (const each of lead) Model.call(each.name, each.given);
    for (const { given, answers } of asked) {
      Model.call(name, given);
      for (const each of answers) compare(Model.view(`${name}.${each.name}`), each);
      calls += 1;
    }
  }
  Model.reset();
  return { worst: Math.max(worst, others / choices), calls };
};

// Microseconds of a call, the best of several rounds.
Model.measure = function (name, rounds = 7, most = 300) {
  let best = Infinity;
  for (let round = 0; round < rounds; round++) {
    const begin = performance.now();
    let calls = 0;
    while (calls < most && (calls < 3 || performance.now() - begin < 12)) { Model.run[name](); calls++; }
    best = Math.min(best, ((performance.now() - begin) * 1000) / calls);
  }
  Model.reset();
  return best;
};
