"""File search: a vector store, an assistant that reads it, and where its answers stand.

Reads OPENAI_BASE_URL and OPENAI_API_KEY from the environment; the files are the arguments.
"""

import sys
from pathlib import Path

from openai import OpenAI

client = OpenAI()

store = client.vector_stores.create(name="Reports")
paths = [Path(one) for one in sys.argv[1:]]
batch = client.vector_stores.file_batches.upload_and_poll(vector_store_id=store.id, files=paths)
print(f"{batch.file_counts.completed} of {batch.file_counts.total} files can be searched.")

assistant = client.beta.assistants.create(
    name="Analyst",
    instructions="You answer from the files.",
    model="gpt-4o",  # kept and shown; the server's own model answers
    tools=[{"type": "file_search"}],
    tool_resources={"file_search": {"vector_store_ids": [store.id]}},
)
question = "How many people does Northwind employ?"
thread = client.beta.threads.create(messages=[{"role": "user", "content": question}])
run = client.beta.threads.runs.create_and_poll(thread_id=thread.id, assistant_id=assistant.id)
print("The run is", run.status)

answer = client.beta.threads.messages.list(thread_id=thread.id, run_id=run.id).data[0]
text = answer.content[0].text
print(text.value)
for annotation in text.annotations:
    cited = annotation.file_citation
    name = client.files.retrieve(cited.file_id).filename
    print(f"  {annotation.text} {name}, page {cited.page}: “{cited.quote}”")

# The search alone, without an assistant:
for found in client.vector_stores.search(
    vector_store_id=store.id, query=question, max_num_results=3
):
    print(f"{found.score:.2f} {found.filename}: {found.content[0].text[:60]!r}")
