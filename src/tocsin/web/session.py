"""The one browser that may look: its cookie, its form token, and what it asked to see."""

from __future__ import annotations

import hmac
import secrets

COOKIE_BYTES = 32


class Session:
    """What one browser may do and has revealed. It lives in memory and ends with the server.

    Attributes:
        key: Value of its cookie.
        form_token: What every form of its pages carries; a page of another origin cannot read it.
        revealed: Run key and cell of each record whose text was revealed.
        kept: What other pages (labelling) keep for this browser, by their own name.
    """

    def __init__(self) -> None:
        self.key = secrets.token_urlsafe(COOKIE_BYTES)
        self.form_token = secrets.token_urlsafe(COOKIE_BYTES)
        self.revealed: set[tuple[str, int]] = set()
        self.kept: dict[str, object] = {}


class Door:
    """Exchanges the one-time token of the first address for a session, once.

    Args:
        token: The token that the terminal shows.
    """

    def __init__(self, token: str) -> None:
        if len(token) < COOKIE_BYTES:
            raise ValueError("the token of the viewer is too short to be a secret")
        self._token: str | None = token
        self._session: Session | None = None

    def exchange(self, token: str) -> Session | None:
        """A new session for the right token, the first time it comes; None for any other, and ever after."""
        if self._token is None or not same(token, self._token):
            return None
        self._token = None
        self._session = Session()
        return self._session

    def find(self, key: str) -> Session | None:
        """The session whose cookie this is."""
        if self._session is None or not same(key, self._session.key):
            return None
        return self._session


def same(given: str, wanted: str) -> bool:
    """Whether two secrets are the same, in a time that does not tell where they differ."""
    return hmac.compare_digest(given.encode("utf-8", "surrogatepass"), wanted.encode())
