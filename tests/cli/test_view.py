"""``tocsin view`` as a process: it prints one address, serves it, and ends when it is told to."""

from __future__ import annotations

import http.client
import importlib.util
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.report.conftest import base, real_run
from tests.web.conftest import run_of, some
from tocsin.cli import main
from tocsin.cli.errors import Exit

__all__ = ["base", "real_run"]


@pytest.fixture
def folder(tmp_path: Path, base: dict[str, Any]) -> Path:
    return run_of(tmp_path / "run", some()[:5], base)


def test_it_prints_one_address_serves_it_and_ends_with_an_interrupt(folder: Path) -> None:
    command = [sys.executable, "-m", "tocsin", "view", str(folder), "--no-browser"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        address = urlsplit(process.stdout.readline().strip())
        assert address.hostname == "127.0.0.1"
        connection = http.client.HTTPConnection("127.0.0.1", address.port or 0, timeout=20)
        connection.request("GET", f"/?{address.query}")
        reply = connection.getresponse()
        reply.read()
        assert reply.status == 303
        connection.request("GET", "/", headers={"Cookie": (reply.getheader("set-cookie") or "").partition(";")[0]})
        assert "5 records" in connection.getresponse().read().decode()
        # No other address of this machine is listened on.
        with socket.socket() as other, pytest.raises(OSError, match="refused"):
            other.connect(("127.0.0.2", address.port))
        connection.close()
        process.send_signal(signal.SIGINT)
        output, errors = process.communicate(timeout=20)
    assert process.returncode == Exit.DONE
    assert output == ""
    assert "Traceback" not in errors


def run(*words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "tocsin", "view", *words, "--no-browser"]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def test_what_is_no_run_and_a_port_that_is_taken_are_wrong_input(folder: Path, tmp_path: Path) -> None:
    found = run(str(tmp_path / "nothing"))
    assert found.returncode == Exit.USAGE
    assert "not a run folder" in found.stderr
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        found = run(str(folder), "--port", str(taken.getsockname()[1]))
    assert found.returncode == Exit.USAGE
    assert "name another --port" in found.stderr


def test_without_the_extra_the_mend_is_told(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    find = importlib.util.find_spec
    monkeypatch.setattr("tocsin.cli.view.find_spec", lambda name: None if name == "uvicorn" else find(name))
    monkeypatch.setattr(sys, "argv", ["tocsin", "view", os.fspath(folder)])
    with pytest.raises(SystemExit) as end:
        main()
    assert end.value.code == Exit.USAGE
    assert "'.[web]'" in capsys.readouterr().err
