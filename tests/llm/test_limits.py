import pytest

from aiconvokit.llm.limits import is_too_long, is_too_many, most_items_in, window_in


@pytest.mark.parametrize(
    ("message", "window"),
    [
        ("This model's maximum context length is 8192 tokens. However, you requested 9000", 8192),
        ("'max_tokens' is too large: 5000. This model's maximum context length is 4096", 4096),
        ("{'message': 'exceeds the available context size', 'n_ctx': 4096}", 4096),
        ('{"n_prompt_tokens":5000,"n_ctx":4096} is over the context size', 4096),
        ("request (5000 tokens) exceeds the available context size (4096 tokens)", 4096),
        ("the model is loaded with context length of only 4096 tokens", 4096),
        ("too large for model with 32768 maximum context length", 32768),
        ("token count (9000) exceeds the maximum number of tokens allowed (8000).", 8000),
        ("prompt (length 5000) is longer than the maximum model length of 4096.", 4096),
        ("`inputs` tokens + `max_new_tokens` must be <= 4096. Given: 5000", 4096),
        ("prompt is too long: 210000 tokens > 200000 maximum", 200000),
        ("input is too large to process. increase the physical batch size", None),
    ],
)
def test_a_prompt_that_is_too_long(message: str, window: int | None) -> None:
    assert is_too_long(message)
    assert window_in(message) == window
    assert not is_too_many(message)


@pytest.mark.parametrize(
    ("message", "most"),
    [
        ("batch size 64 > maximum allowed batch size 32", 32),
        ("batch size is invalid, it should not be larger than 10.: input.contents", 10),
        ("batch size 10 exceeds maximum", None),
        ("input array too large", None),
        ("Too many inputs: the maximum is 96", 96),
        ("Array too long. Expected an array with maximum length 2048, but got 3000", 2048),
    ],
)
def test_too_many_texts(message: str, most: int | None) -> None:
    assert is_too_many(message)
    assert most_items_in(message) == most


@pytest.mark.parametrize(
    "message",
    ["The model does not exist.", "Incorrect API key provided.", "System role not supported"],
)
def test_other_refusals(message: str) -> None:
    assert not is_too_long(message)
    assert not is_too_many(message)
