"""What `/v1` says about wrong credentials, paths and methods, in OpenAI's shape."""

import httpx
import openai
import pytest

from support.server import Server


def test_a_wrong_key_is_an_authentication_error(server: Server) -> None:
    with (
        openai.OpenAI(base_url=f"{server.base_url}/v1", api_key="wrong", max_retries=0) as client,
        pytest.raises(openai.AuthenticationError) as refused,
    ):
        client.models.list()
    assert refused.value.code == "invalid_api_key"
    assert refused.value.request_id
    assert refused.value.request_id.startswith("req_")


def test_an_unknown_path_is_named(anns: openai.OpenAI) -> None:
    with pytest.raises(openai.NotFoundError) as refused:
        anns.audio.speech.create(input="Hello", model="tts-1", voice="alloy")
    assert refused.value.body == {
        "message": "This server has no POST /v1/audio/speech. docs/openai.md lists what it offers.",
        "type": "invalid_request_error",
        "param": None,
        "code": None,
    }


def test_a_wrong_method_is_named(server: Server, anns: openai.OpenAI) -> None:
    answer = httpx.patch(
        f"{server.base_url}/v1/models", headers={"Authorization": f"Bearer {anns.api_key}"}
    )
    assert answer.status_code == 405
    assert answer.json()["error"]["message"] == 'Method "PATCH" not allowed on /v1/models.'


def test_an_odd_id_is_unknown(server: Server, anns: openai.OpenAI) -> None:
    answer = httpx.get(
        f"{server.base_url}/v1/models/+1", headers={"Authorization": f"Bearer {anns.api_key}"}
    )
    assert answer.status_code == 404
    assert answer.json()["error"]["type"] == "invalid_request_error"
