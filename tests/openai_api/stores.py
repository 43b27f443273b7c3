"""What the tests of vector stores begin with."""

import openai
from openai.types import VectorStore

STATIC = {"type": "static", "static": {"max_chunk_size_tokens": 100, "chunk_overlap_tokens": 20}}


def put(client: openai.OpenAI, name: str, text: str) -> str:
    """The id of a new file."""
    return client.files.create(file=(name, text.encode()), purpose="assistants").id


def store_of(client: openai.OpenAI, **files: str) -> VectorStore:
    """A vector store with files that were read; keyword arguments are texts by name."""
    store = client.vector_stores.create(name="Store")
    uploads = [(f"{name}.txt", text.encode()) for name, text in files.items()]
    batch = client.vector_stores.file_batches.upload_and_poll(store.id, files=uploads)
    assert batch.file_counts.completed == len(files), batch
    return client.vector_stores.retrieve(store.id)
