"""`aiconvokit ingest`: a folder from the command line, twice, with bad files, cut off."""

from support.shell import Shell

GOOD = b"# Lease\n\nThe rent is EUR 900 a month.\n"


def test_a_second_run_reads_only_what_changed(shell: Shell) -> None:
    (shell.docs / "deep").mkdir()
    (shell.docs / "a.md").write_bytes(GOOD)
    (shell.docs / "deep" / "a.md").write_bytes(GOOD.replace(b"900", b"950"))
    (shell.docs / ".hidden.md").write_bytes(GOOD)
    (shell.docs / "picture.gif").write_bytes(b"GIF89a")

    first = shell.report("--recursive")
    assert (first["new"], first["pages"]) == (["a.md", "deep/a.md"], 2)

    (shell.docs / "a.md").write_bytes(GOOD.replace(b"900", b"990"))
    would = shell.ingest("--recursive", "--dry-run")
    assert "1 changed, 1 known already" in would.stdout
    second = shell.report("--recursive")
    assert (second["changed"], second["known"]) == (["a.md"], ["deep/a.md"])
    assert second["assistant_id"] == first["assistant_id"]
    assert shell.count("document") == shell.count("chunk") == 2


def test_a_bad_file_is_listed_with_its_reason_and_stops_nothing(shell: Shell) -> None:
    (shell.docs / "a.md").write_bytes(GOOD)
    (shell.docs / "b.pdf").write_bytes(b"%PDF-1.7\nnot really")
    (shell.docs / "c.txt").write_bytes(b"")
    done = shell.ingest()
    assert done.returncode == 1
    assert "failed: b.pdf: corrupt: " in done.stdout
    assert "failed: c.txt: " in done.stdout
    assert shell.count("chunk") == 1
    again = shell.report()
    assert again["known"] == ["a.md"]
    assert set(again["failed"]) == {"b.pdf", "c.txt"}


def test_two_runs_at_once_and_one_cut_off_end_the_same(shell: Shell) -> None:
    shell.environment["AICONVOKIT_EMBEDDING_MODEL"] = "fake@300"
    for number in range(12):
        (shell.docs / f"{number}.md").write_bytes(GOOD.replace(b"900", b"%d" % number))
    shell.cut_off()
    assert 0 < shell.count("chunk") < 12

    runs = [shell.start("--json") for _ in range(2)]
    outputs = [run.communicate(timeout=120) for run in runs]
    assert [run.returncode for run in runs] == [0, 0], outputs
    assert shell.count("chunk") == shell.count("vec_1") == 12


def test_attributes_from_flags_and_sidecars(shell: Shell) -> None:
    (shell.docs / "deep").mkdir()
    for name in ("a.md", "b.md", "deep/c.md"):
        (shell.docs / name).write_bytes(GOOD)
    (shell.docs / "a.md.meta.json").write_text('{"kind": "lease", "year": 2025}')
    (shell.docs / "deep" / "c.md.meta.json").write_text('{"final": true}')
    flags = ("--recursive", "--attribute", "year=2024", "--attribute", 'code="7"')
    first = shell.report(*flags)
    assert (first["new"], first["failed"]) == (["a.md", "b.md", "deep/c.md"], {})
    assert shell.attributes() == {
        "a.md": {"kind": "lease", "year": 2025, "code": "7"},
        "b.md": {"year": 2024, "code": "7"},
        "deep/c.md": {"final": True, "year": 2024, "code": "7"},
    }
    assert shell.report(*flags)["known"] == first["new"]
    # A sidecar alone says all; where none is, and no flag, what was said before holds.
    done = shell.report("--recursive")
    assert (done["relabelled"], done["known"]) == (["a.md", "deep/c.md"], ["b.md"])
    assert shell.attributes()["deep/c.md"] == {"final": True}
    assert shell.attributes()["b.md"] == {"year": 2024, "code": "7"}


def test_a_changed_sidecar_alone_reads_nothing_again(shell: Shell) -> None:
    sidecar = shell.docs / "a.md.meta.json"
    (shell.docs / "a.md").write_bytes(GOOD)
    sidecar.write_text('{"year": 2024, "size": 1e300}')
    shell.report()
    jobs = shell.count("procrastinate_jobs")
    assert shell.report()["known"] == ["a.md"]

    sidecar.write_text('{"year": 2025}')
    would = shell.ingest("--dry-run")
    assert "1 with other attributes" in would.stdout
    assert shell.attributes() == {"a.md": {"year": 2024, "size": 10**300}}
    done = shell.report()
    assert (done["relabelled"], done["pages"]) == (["a.md"], 0)
    assert shell.attributes() == {"a.md": {"year": 2025}}
    assert shell.count("procrastinate_jobs") == jobs
    assert shell.versions() == {"a.md": 1}

    (shell.docs / "a.md").write_bytes(GOOD.replace(b"900", b"990"))
    sidecar.unlink()
    assert shell.report()["changed"] == ["a.md"]
    assert (shell.attributes(), shell.versions()) == ({"a.md": {"year": 2025}}, {"a.md": 2})


def test_a_broken_sidecar_is_listed_like_a_bad_file(shell: Shell) -> None:
    (shell.docs / "a.md").write_bytes(GOOD)
    (shell.docs / "b.md").write_bytes(GOOD)
    sidecar = shell.docs / "b.md.meta.json"
    for content, reason in (
        ("{", "Value must be valid JSON."),
        ('{"a": [1]}', "A value must be a string, a number or a boolean."),
    ):
        sidecar.write_text(content)
        done = shell.ingest()
        assert done.returncode == 1
        assert f"failed: b.md: b.md.meta.json: {reason}" in done.stdout
        assert "Traceback" not in done.stderr
        assert set(shell.attributes()) == {"a.md"}
    again = shell.report("--dry-run")
    assert (again["known"], list(again["failed"])) == (["a.md"], ["b.md"])
    sidecar.write_text("{}")
    assert shell.report()["new"] == ["b.md"]
    flag = shell.ingest("--attribute", "nothing")
    assert (flag.returncode, flag.stdout) == (2, "")
    assert "nothing is not of the form key=value." in flag.stderr


def test_mistakes_are_one_sentence(shell: Shell) -> None:
    assert "No file there that can be read" in shell.ingest().stderr
    (shell.docs / "a.md").write_bytes(GOOD)
    assert "There is no user bob" in shell.ingest("--user", "bob").stderr
    shell.docs /= "missing"
    missing = shell.ingest()
    assert (missing.returncode, "There is no file or folder" in missing.stderr) == (2, True)
