/** The owner's colour, and what can be read on it and beside it (WCAG 2.2, contrast). */

const DEFAULT = "#1f5fbf";
const WHITE = [255, 255, 255];
const BLACK = [0, 0, 0]; // one of the two reaches 4.58 on any colour
const SURFACES = { light: [243, 244, 246], dark: [42, 44, 50] }; // --raised of embed.css
const READABLE = 4.5; // text, AA

const parse = (hex) => [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16));
const print = (rgb) => `#${rgb.map((one) => Math.round(one).toString(16).padStart(2, "0")).join("")}`;
const mix = (from, to, share) => from.map((one, at) => one + (to[at] - one) * share);

function luminance(rgb) {
  const [red, green, blue] = rgb.map((one) => {
    const part = one / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

function contrast(one, other) {
  const [low, high] = [luminance(one), luminance(other)].sort((a, b) => a - b);
  return (high + 0.05) / (low + 0.05);
}

/** The colour, moved towards black or white until text in it can be read on the surface. */
function readable(color, surface) {
  const goal = luminance(surface) > 0.5 ? BLACK : WHITE;
  for (let share = 0; share < 1; share += 0.05) {
    const found = mix(color, goal, share);
    if (contrast(found, surface) >= READABLE) return found;
  }
  return goal;
}

/** `{color, ink}`: the colour as it is used, and black or white, whichever is read better on it. */
export function colours(wanted) {
  const color = parse(/^#[0-9a-f]{6}$/i.test(wanted) ? wanted : DEFAULT);
  const ink = contrast(color, WHITE) >= contrast(color, BLACK) ? WHITE : BLACK;
  return { color: print(color), ink: print(ink), rgb: color };
}

/** Paint the page in the owner's colour; gives what the button on the host's page needs. */
export function paint(wanted) {
  const { color, ink, rgb } = colours(wanted);
  const style = document.documentElement.style;
  style.setProperty("--color", color);
  style.setProperty("--ink", ink);
  style.setProperty("--accent-light", print(readable(rgb, SURFACES.light)));
  style.setProperty("--accent-dark", print(readable(rgb, SURFACES.dark)));
  return { color, ink };
}
