/** Server-sent events of a fetch answer; its own, as the frame loads none of the page's modules (30 kB). */

const END = /\r\n\r\n|\n\n|\r\r/;

/** The events as `{name, data}`, in their order, until the body ends; `data` is read JSON. */
export async function* events(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    rest += value;
    for (let end = END.exec(rest); end; end = END.exec(rest)) {
      const event = read(rest.slice(0, end.index));
      rest = rest.slice(end.index + end[0].length);
      if (event) yield event;
    }
  }
}

function read(block) {
  let name = "message";
  const data = [];
  for (const line of block.split(/\r\n|\n|\r/)) {
    const [, field, value] = /^([^:]*):? ?(.*)$/.exec(line);
    if (field === "event") name = value;
    else if (field === "data") data.push(value);
  }
  return data.length ? { name, data: JSON.parse(data.join("\n")) } : null; // a comment: ": ping"
}
