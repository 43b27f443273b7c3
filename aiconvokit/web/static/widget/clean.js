/** The second wall: the server has sanitised the HTML of an answer, and nothing else passes here. */

const PLAIN = new Set(
  ("P BR STRONG EM DEL CODE PRE UL OL LI BLOCKQUOTE H1 H2 H3 H4 H5 H6 HR TABLE THEAD TBODY TR TH " +
    "TD SPAN A").split(" "),
);
const SILENT = new Set(["SCRIPT", "STYLE", "TEMPLATE", "IFRAME", "OBJECT", "NOSCRIPT", "TITLE"]);
const MARK = /^#citation-(\d{1,4})$/;
const SITE = /^https?:\/\//i;
const CLASSES = new Set(["mark", "host", "unsupported"]);

/** A fragment of an answer's HTML. It is parsed in a document that loads and runs nothing. */
export function fragment(html) {
  const found = document.createDocumentFragment();
  const parsed = new DOMParser().parseFromString(html, "text/html");
  copy(parsed.body, found);
  return found;
}

function copy(from, into) {
  for (const node of from.childNodes) {
    if (node.nodeType === Node.TEXT_NODE) into.append(node.data);
    else if (node.nodeType !== Node.ELEMENT_NODE || SILENT.has(node.tagName.toUpperCase())) continue;
    else if (PLAIN.has(node.tagName)) into.append(copied(node)); // a drawing's are in small letters
    else copy(node, into);
  }
}

function copied(node) {
  const made = document.createElement(leads(node) ? node.tagName : "SPAN");
  if (CLASSES.has(node.className)) made.className = node.className;
  if (node.tagName === "OL" && node.start !== 1) made.start = node.start;
  if (made.tagName === "A") link(node.getAttribute("href"), made);
  copy(node, made);
  return made;
}

/** Whether it is no link at all, or one to a source or a site. */
function leads(node) {
  const address = node.getAttribute("href") ?? "";
  return node.tagName !== "A" || MARK.test(address) || SITE.test(address);
}

function link(address, made) {
  const mark = MARK.exec(address);
  made.href = address;
  if (mark) {
    made.className = "mark";
    made.dataset.index = mark[1];
  } else {
    made.target = "_blank";
    made.rel = "noopener noreferrer nofollow";
  }
}
