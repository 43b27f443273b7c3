// The token of who is logged in: kept by the browser until "log out", or until the tab is closed.

export const KEY = "aiconvokit.token";
const KNOWN = "aiconvokit.known";

export const token = () => localStorage.getItem(KEY) ?? sessionStorage.getItem(KEY);

export function keep(value, stays) {
  forget();
  (stays ? localStorage : sessionStorage).setItem(KEY, value);
  localStorage.setItem(KNOWN, "yes");
}

export function forget() {
  localStorage.removeItem(KEY);
  sessionStorage.removeItem(KEY);
}

/** Whether somebody logged in here before: then the first thing to offer is not an account. */
export const wasHere = () => localStorage.getItem(KNOWN) === "yes";
