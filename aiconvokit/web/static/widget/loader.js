/* AIConvoKit's widget: a button and a frame on a page of somebody else's.
 *
 *   <script src="https://assistant.example.com/widget.js" data-key="acw_pk_…" async></script>
 *
 * data-key       the widget's key
 * data-position  right (default) or left
 * data-open      there: the chat is open from the beginning
 *
 * One global, AIConvoKit: open(key), close(key), ask(text, key), on(event, fn), add(script).
 * Without a key the first widget of the page is meant. No inline style and no markup from text:
 * a page whose CSP names our origin in script-src and frame-src needs to allow nothing else.
 */
(() => {
  "use strict";
  const script = document.currentScript ?? document.querySelector("script[data-key]");
  if (!script) return;
  if (window.AIConvoKit?.add) {
    window.AIConvoKit.add(script);
    return;
  }

  const KEY = /^acw_pk_[0-9A-Za-z]{32}$/;
  const STEP = 72; // px between the buttons of two widgets in one corner
  const PATIENCE = 4000; // ms between a loaded frame and its first word; refused ones never speak
  const RETURNS = 20; // times a removed widget comes back: a page may mean it, and keep on
  const widgets = [];
  const listeners = new Map();

  const STYLE = `
:host { all: initial !important; position: fixed !important; z-index: 2147483000 !important;
  inset: auto !important; display: block !important; color-scheme: light dark !important; }
:host([open]) { z-index: 2147483001 !important; }
button, iframe { position: fixed; box-sizing: border-box; border: 0; margin: 0; padding: 0; }
button { bottom: calc(20px + env(safe-area-inset-bottom)); right: calc(20px + var(--shift));
  width: 56px; height: 56px; border-radius: 28px; cursor: pointer; color: var(--ink);
  background: var(--color); box-shadow: 0 2px 6px #0003, 0 6px 20px #0003; }
button[hidden] { display: none; }
button:hover { filter: brightness(1.08); }
button:focus-visible { outline: 3px solid var(--color); outline-offset: 3px;
  box-shadow: 0 0 0 3px #fff; }
svg { display: block; width: 28px; height: 28px; margin: auto; fill: none; stroke: currentColor;
  stroke-width: 1.8; stroke-linecap: round; stroke-linejoin: round; pointer-events: none; }
path + path, .open path { display: none; }
.open path + path { display: block; }
iframe { bottom: calc(88px + env(safe-area-inset-bottom)); right: calc(20px + var(--shift));
  width: 400px; height: min(680px, 100vh - 108px); height: min(680px, 100dvh - 108px);
  max-width: calc(100vw - 40px - var(--shift)); border-radius: 16px; background: Canvas;
  box-shadow: 0 0 0 1px #8883, 0 12px 48px #00000040;
  visibility: hidden; opacity: 0; transform: translateY(12px); }
.left button, .left iframe { right: auto; left: calc(20px + var(--shift)); }
.open iframe { visibility: visible; opacity: 1; transform: none; }
@media (max-width: 519px), (max-height: 479px) {
  .open iframe { inset: 0; width: 100%; height: 100vh; height: var(--height, 100dvh);
    max-width: none; border-radius: 0; }
  .open button { display: none; }
}
@media (prefers-reduced-motion: no-preference) {
  iframe { transition: opacity .16s, transform .16s, visibility .16s; }
  button { transition: filter .16s; }
}
@media (forced-colors: active) { button { border: 2px solid ButtonText; } }
@media print { :host { display: none !important; } }`;

  const emit = (name, detail) =>
    [...(listeners.get(name) ?? [])].forEach((fn) => {
      try {
        fn(detail);
      } catch (error) {
        setTimeout(() => { throw error; }); // the page's own fault, told where it looks for it
      }
    });

  const make = (name, attributes, parent) => {
    const svg = name === "svg" || name === "path";
    const made = svg
      ? document.createElementNS("http://www.w3.org/2000/svg", name)
      : document.createElement(name);
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    parent?.append(made);
    return made;
  };

  const focused = () => {
    let at = document.activeElement;
    while (at?.shadowRoot?.activeElement) at = at.shadowRoot.activeElement; // another widget's
    return at;
  };

  const build = (page, side, before) => {
    const host = make("aiconvokit-widget", {});
    const root = host.attachShadow({ mode: "open" });
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(STYLE);
    root.adoptedStyleSheets = [sheet];
    const panel = make("div", { class: side }, root);
    const button = make("button", { type: "button", "aria-expanded": "false", hidden: "" }, panel);
    const icon = make("svg", { viewBox: "0 0 24 24", "aria-hidden": "true" }, button);
    make("path", { d: "M4 18.5V6.5A2.5 2.5 0 0 1 6.5 4h11A2.5 2.5 0 0 1 20 6.5v7a2.5 2.5 0 0 1-2.5 2.5H8z" }, icon);
    make("path", { d: "M6 9l6 6 6-6" }, icon);
    const frame = make("iframe", {
      title: "Chat",
      sandbox: "allow-scripts allow-same-origin allow-popups allow-popups-to-escape-sandbox",
      referrerpolicy: "no-referrer",
      src: `${page.href}#${encodeURIComponent(location.origin)}`,
    }, panel);
    host.style.setProperty("--shift", `${before * STEP}px`);
    return { host, root, panel, button, frame };
  };

  const mount = (script) => {
    const key = script.dataset.key ?? "";
    const page = new URL(`embed/${key}`, script.src);
    if (!KEY.test(key)) {
      console.warn("AIConvoKit: data-key is missing or wrong.");
      return;
    }
    if (widgets.some((one) => one.page.href === page.href)) return; // inserted again by the page
    let parts = null;
    let isReady = false;
    let isOpen = false;
    let wanted = null; // where focus goes once the chat can be seen: true into it
    let before = null; // what had focus when it was opened
    let texts = {};
    let returns = 0;
    const waiting = [];
    const side = script.dataset.position === "left" ? "left" : "right";
    const beside = widgets.filter((one) => one.side === side).length;

    const tell = (name, detail) => emit(name, { key, ...detail });
    const post = (message) => {
      if (isReady) parts.frame.contentWindow.postMessage(message, page.origin);
      else waiting.push(message);
    };
    const show = () => {
      parts.host.toggleAttribute("open", isOpen); // above the buttons of others: it may be as wide
      parts.panel.classList.toggle("open", isOpen);
      parts.button.setAttribute("aria-expanded", String(isOpen));
      parts.button.setAttribute("aria-label", (isOpen ? texts.close : texts.open) ?? "Chat");
    };
    const reveal = () => {
      show();
      if (wanted) parts.frame.focus();
      post({ aiconvokit: "open", focus: Boolean(wanted) });
      wanted = null;
    };
    const open = (focus = true) => {
      start();
      if (isOpen) return;
      widgets.forEach((one) => one.close()); // two would cover each other
      isOpen = true;
      wanted = focus;
      before = focused();
      if (isReady) reveal();
      tell("open");
    };
    const close = () => {
      if (!isOpen) return;
      isOpen = false;
      const inside = parts.root.activeElement;
      show();
      if (inside) {
        const back = before?.isConnected && before !== document.body ? before : parts.button;
        back.focus();
      }
      tell("close");
    };
    const look = (message) => {
      texts = message;
      parts.host.style.setProperty("--color", message.color);
      parts.host.style.setProperty("--ink", message.ink);
      parts.frame.title = message.title;
      parts.button.hidden = false;
      show();
    };
    const hear = (event) => {
      if (event.source !== parts.frame.contentWindow || event.origin !== page.origin) return;
      const message = event.data;
      const name = message?.aiconvokit;
      if (name === "look") look(message);
      else if (name === "close") close();
      else if (name === "event") tell(message.name, message.detail);
      else if (name === "ready") {
        isReady = true;
        look(message);
        if (isOpen) reveal();
        waiting.splice(0).forEach(post);
        tell("ready");
      }
    };
    const loaded = () => {
      setTimeout(() => {
        if (isReady || !parts.host.isConnected) return;
        console.warn(`AIConvoKit: no chat here. Is ${location.origin} one of the widget's origins?`);
        tell("error", { code: "refused" });
      }, PATIENCE);
    };
    const attach = () => {
      if (parts.host.isConnected || (returns += 1) > RETURNS) return;
      isReady = false; // a frame that is put in again begins again
      wanted = false;
      document.documentElement.append(parts.host);
    };
    const start = () => {
      if (parts) return;
      parts = build(page, side, beside);
      addEventListener("message", hear);
      parts.frame.addEventListener("load", loaded);
      parts.button.addEventListener("click", () => (isOpen ? close() : open()));
      parts.root.addEventListener("keydown", (event) => event.key === "Escape" && close());
      attach();
      const watcher = new MutationObserver(attach);
      watcher.observe(document, { childList: true });
      watcher.observe(document.documentElement, { childList: true });
      window.visualViewport?.addEventListener("resize", () => {
        const { height, scale } = visualViewport; // what a phone's keyboard leaves, if not zoomed
        parts.host.style.setProperty("--height", scale > 1 ? "100dvh" : `${height}px`);
      });
    };
    const ask = (text) => {
      if (typeof text !== "string" || !text.trim()) return;
      open();
      post({ aiconvokit: "ask", text });
    };

    widgets.push({ key, page, side, open, close, ask });
    if ("open" in script.dataset) open(false);
    const idle = window.requestIdleCallback ?? ((fn) => setTimeout(fn, 200));
    const later = () => idle(start, { timeout: 3000 });
    if (document.readyState === "complete") later();
    else addEventListener("load", later, { once: true }); // the page's own parts come first
  };

  const find = (key) => widgets.find((one) => (key ?? one.key) === one.key);
  window.AIConvoKit = Object.freeze({
    open: (key) => find(key)?.open(),
    close: (key) => find(key)?.close(),
    ask: (text, key) => find(key)?.ask(text),
    on: (event, fn) => {
      listeners.set(event, (listeners.get(event) ?? new Set()).add(fn));
      return () => listeners.get(event).delete(fn);
    },
    add: mount,
  });
  mount(script);
})();
