"""One call, whatever it takes: limits, retries, deadline, price. Every endpoint is called through here."""

from __future__ import annotations

import asyncio
import random
import time

import msgspec

from tocsin.models.config import CallLimits, Prices
from tocsin.models.errors import ModelError
from tocsin.models.limits import Concurrency, PerMinute
from tocsin.protocols import Model
from tocsin.types import Answer, Failure, Request

_OUTAGE_CALLS = 10
"""This many calls in a row given up, over at least one deadline, is an outage."""


class Called(msgspec.Struct, frozen=True):
    """What came of a call, before it is journaled. Latency in seconds; cost in US dollars, None where no price is known."""

    result: Answer | Failure
    tries: int
    latency: float
    cost: float | None


class CallAbandoned(Exception):
    """The run is ending, so a call that had no answer yet was not tried again. It did not fail: it was not made."""


class Caller:
    """Calls one model under its limits.

    Retries are jittered and stay within the call's deadline; ``Retry-After`` is honoured. A call that waits for its next
    try holds no place, and then gets the first that is free: its deadline would pass behind all that wait for their
    first. When an endpoint has answered nothing for a whole deadline and ten calls in a row were given up, further calls
    get a single try each until one succeeds: an outage then costs one try a cell instead of hours.
    """

    def __init__(self, model: Model, limits: CallLimits | None = None, prices: Prices | None = None) -> None:
        self.model = model
        self.limits = limits or CallLimits()
        fixed = getattr(model, "parameters", {})
        self.system = str(fixed.get("system") or "")
        """The system prompt that the model's configuration adds to requests without one."""
        self.temperature: float | None = fixed.get("temperature")
        """The temperature of requests that do not say."""
        self.prices = prices
        self.concurrency = Concurrency(self.limits.concurrency, ceiling=self.limits.max_concurrency)
        self._requests = PerMinute(self.limits.requests_per_minute) if self.limits.requests_per_minute else None
        self._tokens = PerMinute(self.limits.tokens_per_minute) if self.limits.tokens_per_minute else None
        self._given_up = 0
        self._silent_since: float | None = None
        self._stopping = asyncio.Event()

    @property
    def outage(self) -> bool:
        """Whether the endpoint has been silent for so long that calls get one try only."""
        return (
            self._given_up >= _OUTAGE_CALLS
            and self._silent_since is not None
            and time.monotonic() - self._silent_since >= self.limits.deadline
        )

    async def call(self, request: Request) -> Called:
        """Calls the model. What an endpoint does wrong is a `Failure` with its kind.

        Raises:
            CallAbandoned: The caller was stopped before there was an answer.
        """
        begun = time.monotonic()
        deadline = begun + self.limits.deadline
        tries = 0
        error: ModelError | None = None
        while tries < (1 if self.outage else self.limits.tries):
            started = await self.concurrency.acquire(first=tries > 0)
            try:
                if self._requests or self._tokens:
                    started = await self._pace(request)
                if self._stopping.is_set():
                    raise CallAbandoned
                left = deadline - started
                if tries == 0:  # the wait for a first place is the queue's, not the endpoint's
                    left = self.limits.deadline
                    begun, deadline = started, started + left
                elif started >= deadline:  # a try without time would only cost the endpoint an answer
                    break
                tries += 1
                answer = await self.model.send(request, left)
            except ModelError as caught:
                error = caught
            else:
                self._answered(answer, request)
                return Called(answer, tries, time.monotonic() - begun, self._price(answer))
            finally:
                self.concurrency.release()
            if error.pushback:
                self.concurrency.pushed_back(started)
            if not error.retryable:
                break
            pause = self._pause(tries, error.retry_after)
            if tries >= self.limits.tries or time.monotonic() + pause >= deadline or self.outage:
                break
            await self._wait(pause)
        assert error is not None, "a call has at least one try"
        self._failed(error)
        return Called(Failure(error.kind, error.detail), tries, time.monotonic() - begun, None)

    def stop(self) -> None:
        """Lets open tries finish and begins no other."""
        self._stopping.set()

    async def close(self) -> None:
        """Closes the model."""
        await self.model.close()

    async def _wait(self, seconds: float) -> None:
        if seconds <= 0:
            return
        try:
            await asyncio.wait_for(self._stopping.wait(), seconds)
        except TimeoutError:
            return
        raise CallAbandoned

    def _pause(self, tries: int, asked: float | None) -> float:
        """Seconds before the next try: what the endpoint asked for, else exponential with full jitter."""
        backoff = min(self.limits.backoff * 2.0 ** (tries - 1), 30.0) * (0.5 + random.random() / 2)
        return backoff if asked is None else asked + random.random() * 0.1

    def _answered(self, answer: Answer, request: Request) -> None:
        self.concurrency.succeeded()
        self._given_up, self._silent_since = 0, None
        if self._tokens:
            used = answer.usage.input_tokens + answer.usage.output_tokens
            self._tokens.settle(_estimate(request), used or _estimate(request))

    def _failed(self, error: ModelError) -> None:
        if error.retryable:
            self._given_up += 1
            if self._silent_since is None:
                self._silent_since = time.monotonic()
        else:  # the endpoint spoke: it is there
            self._given_up, self._silent_since = 0, None

    async def _pace(self, request: Request) -> float:
        """Waits until the minute's limits allow the request; returns when they do (`time.monotonic`).

        It holds its place meanwhile: what is allowed is then sent at once, and not in a burst when places become free.
        """
        if self._requests:
            await self._wait(self._requests.take(1))
        if self._tokens:
            await self._wait(self._tokens.take(_estimate(request)))
        return time.monotonic()

    def _price(self, answer: Answer) -> float | None:
        return None if self.prices is None else self.prices.of(answer.usage)


def _estimate(request: Request) -> float:
    """Tokens a request will use, before the endpoint says: four characters a token, and the answer's limit."""
    written = sum(len(message.text) for message in request.messages) / 4
    return written + (request.sampling.max_tokens or 256)
