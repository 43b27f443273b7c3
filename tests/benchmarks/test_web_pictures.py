"""The parts of the page's benchmark that need no browser."""

import io
import json
from collections.abc import Iterator

import httpx
import pytest
from PIL import Image

from benchmarks.web.__main__ import report
from benchmarks.web.model import UNKNOWN, Model, Statement, running, written
from benchmarks.web.screenshots import README, small
from benchmarks.web.sizes import Size
from benchmarks.web.timings import Timing
from benchmarks.web.views import VIEWS

QUESTION = "What is the rent?"
SCRIPT = {QUESTION: (Statement("It is 5 euro", "rent is\n5"), Statement("That is little", "no"))}
PROMPT = f'<passage number="3" document="a" page="1">\nThe rent\nis 5.\n</passage>\n\n{QUESTION}'


@pytest.fixture(scope="module")
def model() -> Iterator[Model]:
    with running(SCRIPT, "And now?") as found:
        yield found


def ask(model: Model, content: str, *, stream: bool) -> httpx.Response:
    body = {"messages": [{"role": "user", "content": content}], "stream": stream}
    return httpx.post(f"{model.base_url}/chat/completions", json=body, trust_env=False)


def test_an_answer_cites_where_its_words_stand() -> None:
    assert written(SCRIPT, PROMPT) == "It is 5 euro [3]. That is little."
    assert written(SCRIPT, "Hello?") == UNKNOWN


def test_streamed_and_whole_answers_are_the_same(model: Model) -> None:
    whole = ask(model, PROMPT, stream=False).json()["choices"][0]["message"]["content"]
    *events, last = ask(model, PROMPT, stream=True).text.strip().split("\n\n")
    choices = [one for event in events for one in json.loads(event[6:])["choices"]]
    assert last == "data: [DONE]"
    assert "".join(one["delta"].get("content", "") for one in choices) == whole
    assert whole == written(SCRIPT, PROMPT)


def test_a_question_can_be_one_that_breaks_the_model(model: Model) -> None:
    assert ask(model, "And now?", stream=True).status_code == 500


def test_a_picture_gets_smaller_and_keeps_its_size() -> None:
    raw = io.BytesIO()
    Image.linear_gradient("L").convert("RGB").save(raw, "PNG", compress_level=0)
    made = small(raw.getvalue())
    assert Image.open(io.BytesIO(made)).size == (256, 256)
    assert len(made) < len(raw.getvalue())


def test_names_of_views_are_unique_and_hold_those_of_the_readme() -> None:
    names = [view.name for view in VIEWS]
    assert len(names) == len(set(names))
    assert {name.rsplit("-", 2)[0] for name in README} <= set(names)


def test_a_report_has_a_column_for_each_line() -> None:
    measured = [Timing("paint", "loopback", 40.4), Timing("paint", "slow", 1_234.5)]
    text = report("today", [Size("page", 3, 2_000, 900)], measured)
    assert "| page | 3 | 2.0 | 0.9 |" in text
    assert "| paint | 40 | 1,234 |" in text
