"""An HTTP session that a TAP service is asked through: encrypted, patient, discreet.

Credentials come from the environment alone (`credentials`), go to the one host that they are for,
and stand in no message, record or file.
"""

import os
from base64 import b64encode
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter

from .. import __version__
from ..errors import ConfigError

HOST, TOKEN = "SKYMILL_TAP_HOST", "SKYMILL_TAP_TOKEN"
USER, PASSWORD = "SKYMILL_TAP_USER", "SKYMILL_TAP_PASSWORD"
LOCAL = ("localhost", "127.0.0.1", "::1")


def check_url(url: str) -> str:
    """A service's address without a trailing slash.

    Raises
    ------
    ConfigError
        If it isn't https (http is for a service on this machine alone) or holds a user's name.
    """
    parts = urlsplit(url)
    # first of all, so that no other message repeats what the address gives away
    if "@" in parts.netloc:
        raise ConfigError(
            f"TAP service at {parts.hostname}: its address holds a user's name; "
            f"put credentials into {HOST} and {TOKEN}, or {USER} and {PASSWORD}."
        )
    if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in LOCAL):
        raise ConfigError(f"TAP service {url}: expected https://… (http only for this machine).")
    return url.rstrip("/")


def credentials(host: str) -> str | None:
    """The Authorization header for a host, if the environment has one for it.

    Raises
    ------
    ConfigError
        If the environment names a host without credentials or credentials without a host.
    """
    token, user, password = (os.environ.get(name) for name in (TOKEN, USER, PASSWORD))
    wanted = os.environ.get(HOST)
    if bool(wanted) != bool(token or (user and password)):
        raise ConfigError(
            f"set {HOST} and, for that host, {TOKEN} or {USER} and {PASSWORD}; or none of them."
        )
    if wanted != host:
        return None
    if token:
        return f"Bearer {token}"
    return "Basic " + b64encode(f"{user}:{password}".encode()).decode()


class TapSession(requests.Session):
    """Refuses addresses that aren't encrypted, wherever a service sends it; gives up in time.

    Attributes
    ----------
    failure : int or None
        The HTTP status that says what went wrong since `forget`; None if none did.
    retry_after : str
        What its Retry-After said; '' if nothing.
    refused : str
        The address that the service led to and that was refused; '' if none.
    """

    def __init__(self, url: str, timeout: float) -> None:
        super().__init__()
        parts = urlsplit(check_url(url))
        self.base, self.timeout = parts, timeout
        self.forget()
        self.headers["User-Agent"] = f"skymill/{__version__} (references import)"
        # An address that no adapter is mounted for is refused, redirections included.
        self.adapters.clear()
        prefix = "https://" if parts.scheme == "https" else f"http://{parts.netloc}/"
        self.mount(prefix, HTTPAdapter())
        self._answers: list[requests.Response] = []
        self._header = credentials(parts.hostname or "")
        # A function of our own, even without credentials, so that ~/.netrc isn't looked into.
        self.auth = self._authorize

    def forget(self) -> None:
        """Forget what went wrong."""
        self.failure: int | None = None
        self.retry_after = self.refused = ""

    def get_adapter(self, url: str) -> requests.adapters.BaseAdapter:
        """As in `requests`; an address that is refused is remembered."""
        try:
            return super().get_adapter(url)
        except requests.exceptions.InvalidSchema:
            self.refused = url
            raise

    def _authorize(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        here = urlsplit(request.url or "")
        if self._header and (here.scheme, here.netloc) == (self.base.scheme, self.base.netloc):
            request.headers["Authorization"] = self._header
        return request

    def request(self, method: str, url: str, **options: object) -> requests.Response:
        """As in `requests`; every request ends within the timeout, or waits no longer for data."""
        options["timeout"] = self.timeout
        response = super().request(method, url, **options)
        self._answers.append(response)
        # that a job can't be deleted is no failure of the query
        if response.status_code >= 400 and method.upper() != "DELETE":
            self.failure = response.status_code
            self.retry_after = response.headers.get("Retry-After", "")
        return response

    def close(self) -> None:
        """Close every connection; the next request opens a new one."""
        while self._answers:
            self._answers.pop().close()
        super().close()
