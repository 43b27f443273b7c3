/** The few calls a visitor may make, and the session they are made in. */
import { events } from "./events.js";

const BASE = location.pathname.replace(/\/*$/, "/");
const KEY = BASE.split("/").at(-2);

/** What the server, or the way to it, refused. `seconds` is when it is worth another try. */
export class Refusal extends Error {
  constructor(code, { status = 0, seconds = 0 } = {}) {
    super(code);
    Object.assign(this, { code, status, seconds });
  }
}

/** A browser's storage, or a page's memory where the browser gives a frame none. */
function memory(kind) {
  const name = `aiconvokit:${KEY}`;
  let kept = null; // what the browser did not take
  const read = () => {
    if (kept) return kept;
    try {
      return JSON.parse(window[kind].getItem(name)) ?? {};
    } catch {
      return {};
    }
  };
  return {
    get: (key) => read()[key],
    set: (key, value) => {
      const all = { ...read(), [key]: value };
      try {
        window[kind].setItem(name, JSON.stringify(all));
        kept = null;
      } catch {
        kept = all; // full or forbidden: memory does until the page goes
      }
    },
  };
}

/** Across visits: who this browser says it is, and how the widget looked. */
export const visits = memory("localStorage");
const session = memory("sessionStorage");

async function fetched(path, options) {
  try {
    return await fetch(BASE + path, { credentials: "omit", cache: "no-store", ...options });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Refusal("offline");
  }
}

async function checked(answer) {
  if (answer.ok) return answer;
  const body = await answer.json().catch(() => ({}));
  const fallback = { 404: "origin_not_allowed", 429: "throttled" }[answer.status] ?? "failed";
  const seconds = Number(answer.headers.get("Retry-After")) || 0;
  throw new Refusal(body.code ?? fallback, { status: answer.status, seconds });
}

const body = (method, value) => ({
  method,
  body: JSON.stringify(value),
  headers: { "Content-Type": "application/json" },
});

/** The visitor's conversation with one widget, shown on a page of `origin`. */
export class Conversation {
  constructor(origin) {
    this.origin = origin;
  }

  /** Go on with the tab's session, or begin one: `{widget, messages}`. */
  async begin() {
    if (session.get("token")) {
      const answer = await fetched("messages/", this.#signed({}));
      if (answer.ok) return answer.json();
      if (answer.status !== 401) await checked(answer);
    }
    return this.renew();
  }

  /** A new session. */
  async renew() {
    const visitor = visits.get("visitor");
    const who = { origin: this.origin, ...(visitor && { visitor }) };
    const answer = await checked(await fetched("session/", body("POST", who)));
    const found = await answer.json();
    visits.set("visitor", found.visitor);
    session.set("token", found.token);
    return found;
  }

  /** The events of a turn. A session that ran out is renewed once, `renewed` is told of it. */
  async *ask(input, signal, renewed) {
    const send = () => {
      const options = this.#signed({ ...body("POST", { input }), signal });
      options.headers.Accept = "text/event-stream";
      return fetched("messages/", options);
    };
    let answer = await send();
    if (answer.status === 401) {
      await this.renew();
      renewed();
      answer = await send();
    }
    await checked(answer);
    try {
      yield* events(answer.body);
    } catch (error) {
      if (error.name === "AbortError") throw error;
      throw new Refusal("cut");
    }
  }

  /** A thumb: 1, -1 or null. */
  async rate(message, rating) {
    const path = `messages/${encodeURIComponent(message)}/rating/`;
    const wanted = { ...body("PUT", { rating }), keepalive: true }; // also of who leaves at once
    await checked(await fetched(path, this.#signed(wanted)));
  }

  /** Forget what was said. */
  async restart() {
    const answer = await fetched("restart/", this.#signed(body("POST", {})));
    if (answer.status === 401) await this.renew();
    else await checked(answer);
  }

  /** What stands at an address that the server gave with a citation; none of another server's. */
  async get(address) {
    const url = new URL(address, location.href);
    if (url.origin !== location.origin || !url.pathname.startsWith(BASE)) {
      throw new Refusal("failed");
    }
    const path = url.pathname.slice(BASE.length) + url.search;
    return checked(await fetched(path, this.#signed({})));
  }

  #signed(options) {
    const headers = { ...options.headers, Authorization: `Visitor ${session.get("token")}` };
    return { ...options, headers };
  }
}
