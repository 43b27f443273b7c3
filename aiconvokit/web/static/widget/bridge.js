/** Words with the page around the frame: one window, one origin, both ways. */

/** The origin this frame was started for: what the browser says, else what the loader said. */
function origin() {
  if (window.parent === window) return location.origin; // opened by itself
  const said = decodeURIComponent(location.hash.slice(1));
  return location.ancestorOrigins?.[0] ?? said;
}

export const HOST = origin();
export const IS_FRAMED = window.parent !== window;

/** Tell the loader something. The browser drops it when another origin is around us. */
export function tell(name, more = {}) {
  if (IS_FRAMED && /^https?:/.test(HOST)) {
    window.parent.postMessage({ aiconvokit: name, ...more }, HOST);
  }
}

/** An event for the page's own script. It never carries what was asked or answered. */
export const event = (name, detail = {}) => tell("event", { name, detail });

/** Listen to the loader: `handlers` by the message's name. */
export function listen(handlers) {
  window.addEventListener("message", (message) => {
    if (message.source !== window.parent || message.origin !== HOST) return;
    const name = message.data?.aiconvokit;
    if (typeof name === "string" && Object.hasOwn(handlers, name)) handlers[name](message.data);
  });
}
