// Icons as strokes on a 24 by 24 grid; they say nothing to screen readers, their buttons do.

import { svg } from "./dom.js";

const PATHS = {
  plus: "M12 5v14M5 12h14",
  close: "M6 6l12 12M18 6L6 18",
  send: "M12 19V5M6 11l6-6 6 6",
  stop: "M7 7h10v10H7z",
  copy: "M9 9h10v11H9zM5 15V4h10",
  retry: "M4 12a8 8 0 0 1 14-5.3L20 9M20 4v5h-5M20 12a8 8 0 0 1-14 5.3L4 15M4 20v-5h5",
  look: "M11 4a7 7 0 1 1 0 14 7 7 0 0 1 0-14zM16 16l5 5",
  layers: "M12 4l9 5-9 5-9-5zM3 14l9 5 9-5",
  file: "M7 3h7l5 5v13H7zM14 3v5h5",
  upload: "M12 16V5M7 9l5-5 5 5M5 16v4h14v-4",
  download: "M12 4v11M7 11l5 5 5-5M5 20h14",
  left: "M15 5l-7 7 7 7",
  right: "M9 5l7 7-7 7",
  more: "M12 5.5v.01M12 12v.01M12 18.5v.01",
  chats: "M4 5h16v11H10l-5 4v-4H4z",
  gear: "M4 7h10M18 7h2M4 17h2M10 17h10M14 4.5v5M6 14.5v5",
  out: "M14 4h5v16h-5M4 12h10M10 8l4 4-4 4",
  check: "M5 12.5l4.5 4.5L19 7.5",
  alert: "M12 4l9 16H3zM12 10v4M12 17v.01",
  clock: "M12 4a8 8 0 1 1 0 16 8 8 0 0 1 0-16zM12 8v4l3 2",
  trash: "M5 7h14M10 7V4h4v3M7 7l1 13h8l1-13",
  edit: "M4 20l1-4L16 5l3 3L8 19z",
  open: "M14 4h6v6M20 4l-9 9M18 14v6H4V6h6",
  bigger: "M12 6v12M6 12h12",
  smaller: "M6 12h12",
  up: "M7 11v9H4v-9zM7 11l4-7c2 0 2.500 1 2 3l-.7 3H19l-1.500 8c-.2 1-1 2-2 2H7",
  down: "M7 13V4H4v9zM7 13l4 7c2 0 2.500-1 2-3l-.7-3H19l-1.500-8c-.2-1-1-2-2-2H7",
  window: "M4 5h16v14H4zM4 9h16",
  book: "M12 6.500C10 5 7 4.500 3.500 4.500v13c3.500 0 6.500.5 8.500 2 2-1.500 5-2 8.500-2v-13c-3.500 0-6.500.5-8.500 2zM12 6.500v13",
  quote: "M10 7c-3 1-5 3.500-5 7v3h5v-5H6M19 7c-3 1-5 3.500-5 7v3h5v-5h-4",
};

export function icon(name) {
  return svg(
    "svg",
    { class: "icon", viewBox: "0 0 24 24", "aria-hidden": "true", focusable: "false" },
    svg("path", { d: PATHS[name] }),
  );
}
