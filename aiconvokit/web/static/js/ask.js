// A question and the events of its answer.

import { ApiError, send } from "./api.js";

/**
 * Ask, and hand every event to `on[name](data)`: taken (the question is stored), start, citation,
 * delta, restart, done, error.
 * Aborting the signal closes the connection: the server stops the model and keeps what was said.
 *
 * Throws an ApiError when the question was refused, or the line broke before the end.
 */
export async function ask({ chatId, assistantId, input, signal, on }) {
  const body = { assistant_id: Number(assistantId), input, stream: true };
  const headers = { Accept: "text/event-stream" };
  const response = await send("PUT", `/chat/${chatId}/?html=true`, { body, headers, signal, endless: true });
  on.taken();
  let ended = false;
  for await (const { name, data } of events(response, signal)) {
    ended ||= name === "done" || name === "error";
    on[name]?.(data);
  }
  if (!ended) throw new ApiError(0);
}

/** Server-sent events as they come; comments and unknown fields are skipped. */
async function* events(response, signal) {
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { value, done } = await next(reader, signal);
    if (done) return;
    rest += value;
    const blocks = rest.split("\n\n");
    rest = blocks.pop();
    for (const block of blocks) {
      const event = parse(block);
      if (event) yield event;
    }
  }
}

async function next(reader, signal) {
  try {
    return await reader.read();
  } catch (error) {
    if (signal.aborted) throw error;
    throw new ApiError(0);
  }
}

function parse(block) {
  let name = "message";
  let data = "";
  for (const line of block.split("\n")) {
    if (line.startsWith("event: ")) name = line.slice(7);
    else if (line.startsWith("data: ")) data += line.slice(6);
  }
  return data ? { name, data: JSON.parse(data) } : null;
}
