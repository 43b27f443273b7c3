// What the browser keeps for this page. One that keeps nothing for it (all site data blocked) throws
// at every touch: then it is kept in memory, and the page works until it is loaded again.

function inMemory() {
  const kept = new Map();
  return {
    getItem: (key) => kept.get(key) ?? null,
    setItem: (key, value) => { kept.set(key, String(value)); },
    removeItem: (key) => { kept.delete(key); },
  };
}

const PROBE = "aiconvokit.probe";

function opened(name) {
  try {
    const store = window[name];
    store.setItem(PROBE, "1"); // some are there, but take nothing
    store.removeItem(PROBE);
    return store;
  } catch {
    return null;
  }
}

const kept = { local: opened("localStorage"), session: opened("sessionStorage") };

/** Whether a reload forgets who is logged in. */
export const IS_BLOCKED = !kept.local || !kept.session;

export const local = kept.local ?? inMemory();
export const session = kept.session ?? inMemory();
