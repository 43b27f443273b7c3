"""The Assistants quick start: an assistant, a thread, a run waited for, and one streamed.

Reads OPENAI_BASE_URL and OPENAI_API_KEY from the environment.
"""

from openai import OpenAI

client = OpenAI()

assistant = client.beta.assistants.create(
    name="House tutor",
    instructions="You explain things in one short paragraph.",
    model="gpt-4o",  # kept and shown; the server's own model answers
)
thread = client.beta.threads.create()
client.beta.threads.messages.create(
    thread_id=thread.id, role="user", content="Why is the sky blue in the morning?"
)
run = client.beta.threads.runs.create_and_poll(
    thread_id=thread.id,
    assistant_id=assistant.id,
    additional_instructions="The user is called Jane.",
)
print("The run is", run.status)
for message in client.beta.threads.messages.list(thread_id=thread.id, order="asc"):
    print(f"{message.role}: {message.content[0].text.value}")

client.beta.threads.messages.create(thread_id=thread.id, role="user", content="And at noon?")
print("assistant: ", end="")
with client.beta.threads.runs.stream(thread_id=thread.id, assistant_id=assistant.id) as stream:
    for text in stream.text_deltas:
        print(text, end="", flush=True)
print()
