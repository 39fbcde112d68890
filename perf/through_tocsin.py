"""The same prompts through tocsin. Prints the same figures as the other clients; see `perf.measure.Figures`."""

from __future__ import annotations

from perf.measure import Meter, cpu, prompts, report

meter = Meter()

import argparse  # noqa: E402  (the meter stands first, so that the imports count as start-up)
import os  # noqa: E402
import tempfile  # noqa: E402
from pathlib import Path  # noqa: E402

import msgspec  # noqa: E402

from tocsin import api  # noqa: E402
from tocsin.engine import Ended, Engine  # noqa: E402


class Measured:
    """Takes the CPU of the engine's part of a run: calls, judging, journal. Planning and scoring are outside of it."""

    def __init__(self) -> None:
        self.cpu = 0.0
        engine_run = Engine.run

        async def run(engine: Engine) -> Ended:
            before = cpu()
            try:
                return await engine_run(engine)
            finally:
                self.cpu += cpu() - before

        Engine.run = run  # type: ignore[method-assign,assignment]


def assess(url: str, n: int, connections: int, out: Path) -> int:
    """Assesses ``openai/loopback`` at `url` on ``prompts(n)`` with the refusal judge; returns how many were scored.

    Planning, journal, judging and scoring are all in the figures; only the report page is left out, as it is from the
    others'. Everything the run leaves on disk goes below `out`.
    """
    os.environ["OPENAI_BASE_URL"], os.environ["OPENAI_API_KEY"] = url, "sk-none"
    with tempfile.TemporaryDirectory() as folder:
        cases = Path(folder) / "cases.jsonl"
        cases.write_bytes(msgspec.json.Encoder().encode_lines({"prompt": prompt} for prompt in prompts(n)))
        run = api.assess("openai/loopback", cases=cases, out=out, concurrency=connections, report=False)
    return sum(score["n"] for score in run.summary["models"][0]["scores"])


def main() -> None:
    """Assesses N prompts and prints the figures."""
    parser = argparse.ArgumentParser(prog="python -m perf.through_tocsin", description=main.__doc__)
    parser.add_argument("--url", required=True, help="base URL, ending in /v1")
    parser.add_argument("--n", type=int, required=True)
    parser.add_argument("--connections", type=int, default=100)
    parser.add_argument("--out", type=Path, required=True, help="folder for the run")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    measured = Measured()
    meter.begin()
    samples = assess(options.url, options.n, options.connections, options.out)
    report(meter.figures(samples, options.out, cpu_of_calls=measured.cpu))


if __name__ == "__main__":
    main()
