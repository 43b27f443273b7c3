/** A page of nobody's, for owners to see their widget on: it loads the loader as any site would. */

const TEXTS = {
  en: {
    bar: "Preview",
    sides: "Position",
    left: "Left",
    right: "Right",
    heading: "Your site",
    lead: "This is how the widget looks and works on a page. Questions asked here count like a visitor's.",
    wrong: "This address has no widget key. Open the preview from the widget's settings.",
    refused: "No answer came from the widget. Is the key right?",
    log: "What the page is told",
  },
  de: {
    bar: "Vorschau",
    sides: "Position",
    left: "Links",
    right: "Rechts",
    heading: "Ihre Seite",
    lead: "So sieht das Widget auf einer Seite aus, und so arbeitet es. Fragen zählen hier wie die eines Besuchers.",
    wrong: "In dieser Adresse steht kein Schlüssel. Öffnen Sie die Vorschau in den Einstellungen des Widgets.",
    refused: "Vom Widget kam keine Antwort. Stimmt der Schlüssel?",
    log: "Was die Seite erfährt",
  },
};
const EVENTS = ["ready", "open", "close", "question", "answer", "rating", "restart", "error"];
const KEY = /^acw_pk_[0-9A-Za-z]{32}$/;

const language = navigator.language.startsWith("de") ? "de" : "en";
const texts = TEXTS[language];
const query = new URLSearchParams(location.search);
const key = query.get("key") ?? "";
const side = query.get("position") === "left" ? "left" : "right";
const byId = (id) => document.getElementById(id);

document.documentElement.lang = language;
document.title = texts.bar;
document.body.className = side;
byId("bar-title").textContent = texts.bar;
byId("sides").setAttribute("aria-label", texts.sides);
byId("heading").textContent = texts.heading;
byId("lead").textContent = texts.lead;
byId("log-title").textContent = texts.log;
for (const one of ["left", "right"]) {
  const button = byId(one);
  button.textContent = texts[one];
  button.setAttribute("aria-pressed", String(one === side));
  button.addEventListener("click", () => {
    query.set("position", one);
    location.search = query.toString();
  });
}

function complain(text) {
  byId("wrong").textContent = text;
  byId("wrong").hidden = false;
}

function note(name, { key: _, ...detail }) {
  const line = document.createElement("li");
  const more = Object.keys(detail).length ? ` ${JSON.stringify(detail)}` : "";
  line.textContent = `${name}${more}`;
  byId("log").append(line);
  if (detail.code === "refused") complain(texts.refused);
}

if (KEY.test(key)) {
  const script = document.createElement("script");
  script.addEventListener("load", () => {
    for (const name of EVENTS) window.AIConvoKit.on(name, (detail) => note(name, detail));
  });
  Object.assign(script.dataset, { key, position: side, open: "" });
  script.src = new URL("../widget.js", location.href).href; // beside /widget/preview
  document.body.append(script);
} else {
  complain(texts.wrong);
}
