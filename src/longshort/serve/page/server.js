// Asks the server: with the token, where one is needed.

let token = sessionStorage.getItem("longshort-token") || "";

export function giveToken(text) {
  token = text.trim();
  sessionStorage.setItem("longshort-token", token);
}

export class Refused extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

export async function ask(path, body, signal) {
  const headers = token ? { authorization: `Bearer ${token}` } : {};
  const given = { headers, signal };
  if (body !== undefined) {
    given.method = "POST";
    given.body = JSON.stringify(body);
    headers["content-type"] = "application/json";
  }
  const answer = await fetch(path, given);
  if (answer.ok) return answer;
  let message = `the server answers ${answer.status}`;
  try {
    message = (await answer.json()).error.message || message;
  } catch { /* the answer is no JSON: the status has to do */ }
  throw new Refused(answer.status, message);
}

export async function askJson(path, body, signal) {
  return (await ask(path, body, signal)).json();
}

// A session over WebSocket: steps go one after the other, and answers come in their order.
export class Session {
  constructor(onAnswer, onProblem) {
    this.onAnswer = onAnswer;
    this.onProblem = onProblem;
    this.waiting = [];
    this.sent = null;
    this.socket = null;
    this.isOpen = false;
  }

  get left() { return this.waiting.length + (this.sent ? 1 : 0); }

  step(x) {
    this.waiting.push(x);
    if (!this.socket) this.connect();
    else this.next();
  }

  restart() {
    this.waiting = [];
    this.sent = null;
    if (this.socket) {
      this.socket.onmessage = this.socket.onclose = null;
      this.socket.close();
    }
    this.socket = null;
    this.isOpen = false;
  }

  connect() {
    const place = new URL("v1/stream", location.href);
    place.protocol = place.protocol.replace("http", "ws");
    this.socket = new WebSocket(place, "longshort.v1");
    this.socket.onopen = () => this.socket.send(JSON.stringify(token ? { token } : {}));
    this.socket.onmessage = (event) => this.take(JSON.parse(event.data));
    this.socket.onclose = () => {
      if (this.left) this.onProblem("the connection is closed; start anew");
      this.restart();
    };
  }

  take(message) {
    if (message.event === "drain") return;
    if (!this.isOpen) {
      if (message.error) return this.onProblem(message.error.message);
      this.isOpen = true;
      return this.next();
    }
    const x = this.sent;
    this.sent = null;
    if (message.error) this.onProblem(message.error.message);
    else this.onAnswer(x, message.answer);
    this.next();
  }

  next() {
    if (!this.isOpen || this.sent || !this.waiting.length) return;
    this.sent = this.waiting.shift();
    this.socket.send(JSON.stringify({ x: this.sent }));
  }
}
