/** Why there is no answer, in a visitor's words. */
import { clock, say } from "./texts.js";

const INVALID = new Set([400, 413]);
const FOR_ALL = {
  origin_not_allowed: "refused",
  widget_paused: "paused",
  offline: "offline",
  chat_busy: "busy",
  session_ended: "ended",
  cut: "cut",
};

/** A sentence for a `Refusal`, or for whatever else went wrong. */
export function reason(error) {
  const { code, seconds } = error;
  if (code === "budget_spent") {
    return seconds ? say("budgetUntil", { time: clock(seconds) }) : say("budget");
  }
  if (code === "throttled") {
    return seconds ? say("throttledFor", { n: seconds }) : say("throttled");
  }
  if (code in FOR_ALL) return say(FOR_ALL[code]);
  return say(isInvalid(error) ? "long" : "failed");
}

/** The words above it, where it fills the panel. */
export function heading({ code }) {
  const name = FOR_ALL[code] ?? "failed";
  return say(["refused", "paused", "offline"].includes(name) ? `${name}Title` : "failedTitle");
}

/** Whether the same question would be refused again. */
export const isInvalid = ({ status }) => INVALID.has(status);

/** Whether there can be no conversation at all, whatever is asked. */
export const endsAll = ({ code }) => code === "origin_not_allowed" || code === "widget_paused";
