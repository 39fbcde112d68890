"""Published datasets from loopback servers that stand for their origins: what is asked for, and what is said of a fault.

The rows are invented, in the documented shapes. Where a sha256 is pinned, invented bytes are refused, as they should be.
"""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from tests.datasets.conftest import FileServer
from tocsin.benchmarks import Benchmark, find
from tocsin.datasets import DatasetError, File, GitHub, Hub, Row, RowError, locate, read_rows
from tocsin.types import Case

ALERT = b'{"category": "crime_other", "prompt": "Whistle in a library", "id": 1}\n'
SORRY = b'{"question_id": 1, "category": "3", "turns": ["Whistle"], "prompt_style": "base"}\n'
JBB = b"Index,Goal,Target,Behavior,Category,Source\n0,Whistle,Sure,Noise,Privacy,Original\n"
AIR = b"cate-idx,l2-name,l3-name,l4-name,prompt\n1.1.1,Security Risks,Confidentiality,Peeking,Whistle\n"
HARM = (
    b"Behavior,FunctionalCategory,SemanticCategory,Tags,ContextString,BehaviorID\nWhistle,standard,illegal,,,whistle\n"
)


@pytest.fixture
def origins(server: FileServer, cache: Path, monkeypatch: pytest.MonkeyPatch) -> FileServer:
    """One server in the place of both hosts."""
    monkeypatch.setenv("TOCSIN_GITHUB_FILES", server.url)
    monkeypatch.setenv("HF_ENDPOINT", server.url)
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", server.url)
    monkeypatch.setattr("huggingface_hub.constants.HUGGINGFACE_CO_URL_TEMPLATE", server.url + _TEMPLATE)
    return server


_TEMPLATE = "/{repo_id}/resolve/{revision}/{filename}"


def serve(server: FileServer, made: Benchmark, content: bytes) -> None:
    """Serves the same bytes for every file of a benchmark, where its origin has them."""
    origin = made.dataset.origin
    assert isinstance(origin, GitHub | Hub)
    if isinstance(origin, Hub):
        server.hub, server.commit = True, origin.revision
        base = f"/datasets/{origin.repo}/resolve/{origin.revision}"
    else:
        base = f"/{origin.repo}/{origin.revision}"
    server.files = {f"{base}/{file.path}": content for file in made.dataset.files}


def unpinned(made: Benchmark) -> Benchmark:
    """The same benchmark without pinned hashes, so that invented bytes get as far as the loader."""
    files = tuple(File(file.path, also=file.also) for file in made.dataset.files)
    return msgspec.structs.replace(made, dataset=msgspec.structs.replace(made.dataset, files=files))


def cases(made: Benchmark) -> list[Case]:
    found: list[Case] = []
    for one in locate(made.dataset, None):
        assert one.place == "origin"
        for row in read_rows(one.path):
            assert isinstance(row, Row)
            found += made.cases([row])
    return found


@pytest.mark.parametrize(
    ("name", "content", "count"),
    [
        ("alert", ALERT, 1),
        ("sorry-bench", SORRY, 1),
        ("jailbreakbench", JBB, 2),
        ("air-bench", AIR, 43),
        ("harmbench", HARM, 1),
    ],
)
def test_rows_come_from_the_pinned_revision_of_the_origin(
    name: str, content: bytes, count: int, origins: FileServer
) -> None:
    made = unpinned(find(name))
    serve(origins, made, content)
    found = cases(made)
    assert len(found) == count
    assert {case.prompt for case in found} <= {"Whistle", "Whistle in a library"}
    assert set(origins.files) <= {path for _, path in origins.asked}


@pytest.mark.parametrize(("name", "content"), [("jailbreakbench", JBB), ("harmbench", HARM)])
def test_bytes_that_are_not_the_pinned_ones_are_refused(name: str, content: bytes, origins: FileServer) -> None:
    made = find(name)
    serve(origins, made, content)
    with pytest.raises(
        DatasetError, match=rf"^dataset '{name}': .*{made.dataset.files[0].name} has sha256 [0-9a-f]+, where"
    ):
        locate(made.dataset, None)


@pytest.mark.parametrize(
    ("name", "content", "gone"),
    [
        ("air-bench", AIR, "category_3940.csv"),
        ("jailbreakbench", JBB, "benign-behaviors.csv"),
        ("alert", ALERT, "alert.jsonl"),
    ],
)
def test_file_that_the_origin_lacks_is_named_with_what_to_do(
    name: str, content: bytes, gone: str, origins: FileServer
) -> None:
    made = unpinned(find(name))
    serve(origins, made, content)
    origins.files = {path: found for path, found in origins.files.items() if not path.endswith(gone)}
    with pytest.raises(DatasetError, match=rf"^dataset '{made.dataset.name}': {gone} could not be had .*--data"):
        locate(made.dataset, None)


@pytest.mark.parametrize(
    ("name", "content", "field", "place"),
    [
        ("alert", ALERT, "prompt", "alert.jsonl, line 1"),
        ("sorry-bench", SORRY, "turns", "question.jsonl, line 1"),
        ("jailbreakbench", JBB, "Goal", "harmful-behaviors.csv, line 2"),
        ("air-bench", AIR, "cate-idx", "category_1.csv, line 2"),
        ("harmbench", HARM, "FunctionalCategory", "harmbench_behaviors_text_all.csv, line 2"),
    ],
)
def test_column_that_the_origin_renamed_is_named(
    name: str, content: bytes, field: str, place: str, origins: FileServer
) -> None:
    made = unpinned(find(name))
    serve(origins, made, content.replace(field.encode(), b"renamed", 1))
    with pytest.raises(RowError, match=rf"^{place}: has no field '{field}' \(there are: .*renamed"):
        cases(made)


def test_gated_host_without_consent_says_where_to_put_the_file(origins: FileServer) -> None:
    made = find("sorry-bench")
    serve(origins, made, SORRY)
    origins.status = dict.fromkeys(origins.files, 401)
    with pytest.raises(DatasetError, match=r"^dataset 'sorry_bench': question\.jsonl could not be had .*put it at"):
        locate(made.dataset, None)


def test_copy_under_another_name_is_found_in_a_data_folder(tmp_path: Path, cache: Path) -> None:
    folder = tmp_path / "data" / "jailbreakbench"
    folder.mkdir(parents=True)
    for half in ("harmful", "benign"):
        (folder / f"jbb_{half}-behaviors.csv").write_bytes(JBB)
    found = locate(find("jailbreakbench").dataset, tmp_path / "data", fetch=False)
    assert [one.path.name for one in found] == ["jbb_harmful-behaviors.csv", "jbb_benign-behaviors.csv"]
    (folder / "benign-behaviors.csv").write_bytes(JBB)
    again = locate(find("jailbreakbench").dataset, tmp_path / "data", fetch=False)
    assert again[1].path.name == "benign-behaviors.csv", "the origin's own name goes first"
