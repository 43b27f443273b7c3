// The token of who is logged in: kept by the browser until "log out", or until the tab is closed.

import { local, session } from "./storage.js";

export const KEY = "aiconvokit.token";
const KNOWN = "aiconvokit.known";

export const token = () => local.getItem(KEY) ?? session.getItem(KEY);

export function keep(value, stays) {
  forget();
  (stays ? local : session).setItem(KEY, value);
  local.setItem(KNOWN, "yes");
}

export function forget() {
  local.removeItem(KEY);
  session.removeItem(KEY);
}

/** Whether somebody logged in here before: then the first thing to offer is not an account. */
export const wasHere = () => local.getItem(KNOWN) === "yes";
