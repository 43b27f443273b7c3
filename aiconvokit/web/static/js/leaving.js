// What was changed and not saved is not lost without a question.

import { confirm } from "./dialog.js";
import { beforeLeaving } from "./router.js";
import { token } from "./session.js";
import { t } from "./texts.js";

let isChanged = () => false;

/** A view holds something until the signal ends it: `changed()` says whether it would be lost. */
export function hold(changed, signal) {
  isChanged = changed;
  beforeLeaving(mayLeave);
  signal.addEventListener("abort", () => { isChanged = () => false; }, { once: true });
}

/** Whether nothing would be lost, or the person does not mind. Who has no token cannot save. */
export async function mayLeave() {
  if (!isChanged() || !token()) return true;
  return (await confirm(t("leave.title"), t("leave.text"), t("leave.action"), async () => {})) === true;
}

window.addEventListener("beforeunload", (event) => {
  if (isChanged()) event.preventDefault(); // the browser asks in its own words
});
