// Which view is shown: the part of the address behind "#". A reload comes back to the same place.

/**
 * A route: { pattern: "/assistants/:id/chat/:chat?", view, isPublic }.
 * A view is called with { root, params, query, signal }; it draws into root, and stops what it
 * started when the signal aborts. It may return a function that takes new { params, query } when
 * the address changes within the same view and object (`:id`), instead of being drawn again.
 */
let routes = [];
let shown = null;
let before = () => true;

export function start(table, guard) {
  routes = table.map((one) => ({ ...one, test: compile(one.pattern) }));
  before = guard;
  window.addEventListener("hashchange", moved);
  return show(true);
}

function compile(pattern) {
  const source = pattern
    .replace(/\/:(\w+)\?/g, "(?:/(?<$1>[\\w-]+))?")
    .replace(/:(\w+)/g, "(?<$1>[\\w-]+)");
  return new RegExp(`^${source}$`);
}

/** The present address: { path, query }. */
export function here() {
  const [path, search = ""] = location.hash.slice(1).split("?");
  return { path: path || "/", query: Object.fromEntries(new URLSearchParams(search)) };
}

/** Where to go after the login: a view of this page and nothing else. */
export const after = (next) => (next?.startsWith("/") ? next : "/assistants");

export function go(path) {
  if (location.hash === `#${path}`) return show();
  location.hash = path;
  return undefined;
}

/** Another address for what is on the screen already; nothing is drawn. */
export function rename(path) {
  history.replaceState(null, "", `#${path}`);
  if (shown) shown.address = location.hash;
}

/** Another view in the place of this one: the way back does not lead through this address. */
export function instead(path) {
  history.replaceState(null, "", `#${path}`);
  return show();
}

/**
 * What the present view holds would be lost: `ask()` resolves to whether it may be left. The address
 * has changed by then, so it is put back while the question stands.
 */
export function beforeLeaving(ask) {
  if (shown) shown.ask = ask;
}

async function moved() {
  const wanted = location.hash;
  const mine = shown;
  if (mine?.ask && wanted !== mine.address) {
    history.replaceState(null, "", mine.address);
    if (!(await mine.ask()) || shown !== mine) return;
    history.replaceState(null, "", wanted);
  }
  await show();
}

async function show(isFirst = false) {
  const { path, query } = here();
  const route = routes.find((one) => one.test.test(path));
  const params = { ...(route.test.exec(path)?.groups ?? {}) };
  if (!before(route, path)) return;
  if (shown?.route === route && shown.params.id === params.id && shown.update) {
    shown.params = params;
    shown.address = location.hash;
    shown.update({ params, query });
    return;
  }
  shown?.stop.abort();
  const stop = new AbortController();
  shown = { route, params, stop, address: location.hash, update: null, ask: null };
  const root = document.createElement("div");
  root.className = "view";
  const mine = shown;
  document.querySelector("main").replaceChildren(root);
  const update = await route.view({ root, params, query, signal: stop.signal });
  mine.update = typeof update === "function" ? update : null;
  if (!isFirst && shown === mine && !root.contains(document.activeElement)) {
    const heading = root.querySelector("h1");
    heading?.setAttribute("tabindex", "-1");
    heading?.focus({ preventScroll: true });
    window.scrollTo(0, 0);
  }
}

/** Draw the present view again. */
export function again() {
  if (shown) shown.update = null;
  return show(true);
}
