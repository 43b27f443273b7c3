"""The unmodified official client, as a user of one of our servers."""

import openai

from support.server import Client, Server


def official(server: Server, user: Client) -> openai.OpenAI:
    """A client with the token of somebody who is logged in; what fails is not tried again."""
    token = user.headers["authorization"].split()[1]
    return openai.OpenAI(base_url=f"{server.base_url}/v1", api_key=token, max_retries=0)
