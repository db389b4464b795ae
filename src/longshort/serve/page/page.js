// Shows the model in the way that fits what it does.

import { card, make } from "./elements.js";
import { seriesPage } from "./series.js";
import { Refused, askJson, giveToken } from "./server.js";
import { answerPage, writingPage } from "./texts.js";

const main = document.getElementById("main");
const status = document.getElementById("status");

async function begin() {
  try {
    const about = await askJson("v1/model");
    main.replaceChildren();
    show(about);
    status.textContent = "ready";
    status.className = "good";
  } catch (error) {
    status.textContent = "not ready";
    status.className = "bad";
    if (error instanceof Refused && error.status === 401) askToken();
    else main.replaceChildren(card("No answer", make("p", { text: error.message })));
  }
}

function show(about) {
  document.title = `${about.name} · longshort`;
  document.getElementById("name").textContent = about.name;
  document.getElementById("title").textContent = about.title;
  document.getElementById("example").textContent = example(about);
  if (about.abilities.completes) writingPage(main, about);
  else if (about.abilities.texts) answerPage(main, about);
  else if (about.session?.kind === "row") seriesPage(main, about);
  else main.append(card("Ask it from a program", make("p", { text: "This model takes samples that a page cannot make, such as features of images." })));
}

function example({ abilities, session }) {
  const [path, body] = abilities.completes ? ["v1/completions", { prompt: "The ", max_tokens: 50 }]
    : abilities.texts ? ["v1/predict", { texts: ["a text"] }]
    : ["v1/sessions", {}];
  const call = (place, given) => `curl ${new URL(place, location.href)} -H 'Content-Type: application/json' -d '${JSON.stringify(given)}'`;
  if (path !== "v1/sessions" || !session) return call(path, body);
  const row = Object.fromEntries((session.columns ?? []).filter((column) => !column.optional).map((column) => [column.name, column.type === "number" ? 1 : "…"]));
  return `${call(path, {})}\n${call("v1/sessions/SESSION/step", { x: row, seq: 1 })}`;
}

function askToken() {
  const field = make("input", { type: "password", "aria-label": "Token", autocomplete: "off" });
  const form = make("form", { class: "row" }, field, make("button", { class: "main", text: "Use this token" }));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    giveToken(field.value);
    begin();
  });
  main.replaceChildren(card("A token is needed", make("p", { class: "hint", text: "It is kept in this tab only." }), form));
  field.focus();
}

begin();
