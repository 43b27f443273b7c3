/** What the widget says to visitors, by language. {n}, {page} and {time} are filled in. */
export const TEXTS = {
  en: {
    title: "Chat",
    open: "Open chat",
    close: "Close chat",
    restart: "Start over",
    input: "Your question",
    placeholder: "Ask a question…",
    send: "Send",
    stop: "Stop answering",
    caution: "Written by AI. Check the sources before you rely on it.",
    conversation: "Conversation",
    suggestions: "Suggested questions",
    you: "You",
    answer: "Answer",
    working: "Reading the documents…",
    sources: "Sources",
    page: "page {page}",
    source: "Source {n}",
    picture: "Page {page} of {file}, the quoted words are marked",
    pictureLoading: "Loading the page…",
    pictureFailed: "The picture of this page could not be loaded.",
    unsupported: "No source was found for this.",
    good: "Good answer",
    bad: "Bad answer",
    stopped: "Stopped.",
    interrupted: "This answer was cut off.",
    redacted: "This answer is gone, because a document that it cited was deleted.",
    restarted: "A new conversation begins.",
    renewed: "The last conversation had ended. This is a new one.",
    retry: "Try again",
    refusedTitle: "Not available here",
    refused: "This chat may not be shown on this site.",
    pausedTitle: "Taking a break",
    paused: "This chat is paused for the moment. Please come back later.",
    offlineTitle: "No connection",
    offline: "The server could not be reached. Check your connection.",
    failedTitle: "Something went wrong",
    failed: "No answer could be written just now. Please try again in a while.",
    cut: "The connection was lost in the middle of the answer.",
    ended: "This conversation has ended. Ask again, and a new one begins.",
    budget: "All questions for today have been asked. Please come back tomorrow.",
    budgetUntil: "All questions for today have been asked. Please come back after {time}.",
    throttled: "That was a lot at once. Please wait a moment.",
    throttledFor: "That was a lot at once. Please wait {n} seconds.",
    busy: "The last question is still being answered. Please wait a moment.",
    long: "This question is too long.",
  },
  de: {
    title: "Chat",
    open: "Chat öffnen",
    close: "Chat schließen",
    restart: "Neu beginnen",
    input: "Ihre Frage",
    placeholder: "Stellen Sie eine Frage …",
    send: "Senden",
    stop: "Antwort anhalten",
    caution: "Von einer KI geschrieben. Prüfen Sie die Quellen, bevor Sie sich darauf verlassen.",
    conversation: "Unterhaltung",
    suggestions: "Vorgeschlagene Fragen",
    you: "Sie",
    answer: "Antwort",
    working: "Die Dokumente werden gelesen …",
    sources: "Quellen",
    page: "Seite {page}",
    source: "Quelle {n}",
    picture: "Seite {page} von {file}, die zitierten Worte sind markiert",
    pictureLoading: "Die Seite wird geladen …",
    pictureFailed: "Das Bild dieser Seite ließ sich nicht laden.",
    unsupported: "Dafür wurde keine Quelle gefunden.",
    good: "Gute Antwort",
    bad: "Schlechte Antwort",
    stopped: "Angehalten.",
    interrupted: "Diese Antwort wurde abgebrochen.",
    redacted: "Diese Antwort ist weg, weil ein Dokument gelöscht wurde, das sie zitierte.",
    restarted: "Eine neue Unterhaltung beginnt.",
    renewed: "Die letzte Unterhaltung war beendet. Dies ist eine neue.",
    retry: "Noch einmal versuchen",
    refusedTitle: "Hier nicht verfügbar",
    refused: "Dieser Chat darf auf dieser Seite nicht gezeigt werden.",
    pausedTitle: "Gerade Pause",
    paused: "Dieser Chat macht gerade Pause. Bitte kommen Sie später wieder.",
    offlineTitle: "Keine Verbindung",
    offline: "Der Server ist nicht zu erreichen. Bitte prüfen Sie Ihre Verbindung.",
    failedTitle: "Etwas ist schiefgegangen",
    failed: "Gerade ließ sich keine Antwort schreiben. Bitte versuchen Sie es später noch einmal.",
    cut: "Die Verbindung brach mitten in der Antwort ab.",
    ended: "Diese Unterhaltung ist zu Ende. Fragen Sie noch einmal, und eine neue beginnt.",
    budget: "Für heute sind alle Fragen gestellt. Bitte kommen Sie morgen wieder.",
    budgetUntil: "Für heute sind alle Fragen gestellt. Bitte kommen Sie nach {time} wieder.",
    throttled: "Das war viel auf einmal. Bitte warten Sie einen Augenblick.",
    throttledFor: "Das war viel auf einmal. Bitte warten Sie {n} Sekunden.",
    busy: "Die letzte Frage wird noch beantwortet. Bitte warten Sie einen Augenblick.",
    long: "Diese Frage ist zu lang.",
  },
};

const FALLBACK = "en";
let language = FALLBACK;

/** Choose the language: a known one, or the first of the browser's own that is known. */
export function choose(wanted) {
  const own = navigator.languages.map((one) => one.slice(0, 2).toLowerCase());
  language = [wanted, ...own].find((one) => one in TEXTS) ?? FALLBACK;
  document.documentElement.lang = language;
}

/** A text in the chosen language. */
export function say(name, values = {}) {
  return TEXTS[language][name].replace(/\{(\w+)\}/g, (_, key) => values[key]);
}

/** A time of day in so many seconds, as people here write it. */
export function clock(seconds) {
  const then = new Date(Date.now() + seconds * 1000);
  return then.toLocaleTimeString(language, { hour: "2-digit", minute: "2-digit" });
}
