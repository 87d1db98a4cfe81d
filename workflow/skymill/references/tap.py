"""Ask a TAP service one query, through its bad days."""

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from time import monotonic, sleep

from astropy.table import Table

from ..errors import InputError
from .survey import Service
from .tap_session import TapSession, check_url

PASSING = (408, 425, 429, 500, 502, 503, 504)
"""HTTP statuses that may be gone the next time."""


@dataclass(frozen=True)
class Manners:
    """How a service is treated; chosen, for no archive states numbers.

    Attributes
    ----------
    pause : float
        Seconds between the end of a query and the next.
    timeout : float
        Seconds without any data, or of a job, after which a query is given up.
    tries : int
        How often a query is asked.
    first_wait, longest_wait : float
        Seconds after the first failure, doubled after each further one, up to the longest.
    poll : float
        Seconds between two looks at a job.
    """

    pause: float = 1.0
    timeout: float = 900.0
    tries: int = 6
    first_wait: float = 5.0
    longest_wait: float = 300.0
    poll: float = 2.0


class TapClient:
    """A TAP service, asked politely.

    Parameters
    ----------
    service : Service
    url : str
        Its address.
    manners : Manners
    say : callable
        Is told of waits, one line each.
    """

    def __init__(
        self, service: Service, url: str, manners: Manners, say: Callable[[str], None]
    ) -> None:
        import pyvo  # a second to import, and only here needed

        self.service, self.manners, self.say = service, manners, say
        self.url = check_url(url)
        self.session = TapSession(self.url, manners.timeout)
        self._tap = pyvo.dal.TAPService(self.url, session=self.session)
        self._free = 0.0

    def ask(self, query: str) -> tuple[Table, bool]:
        """Rows, and whether the service cut the answer short.

        Raises
        ------
        InputError
            If the service refuses the query, or doesn't answer it after all tries.
        """
        for attempt in range(1, self.manners.tries + 1):
            sleep(max(0.0, self._free - monotonic()))
            self.session.forget()
            try:
                return self._answer(query)
            except Exception as error:  # a damaged answer can make its parsers raise anything
                self._give_up_or_wait(error, attempt, query)
            finally:
                self.session.close()
                self._free = monotonic() + self.manners.pause
        raise AssertionError("the last try gives up")

    def _give_up_or_wait(self, error: Exception, attempt: int, query: str) -> None:
        """Raise if asking again won't help; else wait, longer after each failure."""
        from pyvo.dal.exceptions import DALQueryError

        failure, reason = self.session.failure, " ".join(str(error).split())[:300]
        if failure:
            reason = f"HTTP {failure}: {reason}"
        if self.session.refused:
            raise InputError(
                f"{self.url}: it leads to {self.session.refused}, which isn't encrypted."
            ) from error
        if failure not in PASSING and (failure or isinstance(error, DALQueryError)):
            raise InputError(
                f"{self.url}: the service refuses the query ({reason}): {query}"
            ) from error
        if attempt == self.manners.tries:
            raise InputError(
                f"{self.url}: no whole answer after {attempt} tries ({reason}). What is imported "
                "so far stays: the same command goes on from there."
            ) from error
        seconds = self.manners.first_wait * 2 ** (attempt - 1)
        if self.session.retry_after.isdigit():
            seconds = max(seconds, float(self.session.retry_after))
        seconds = min(seconds, self.manners.longest_wait)
        self.say(f"{self.url}: {reason}; again in {seconds:g} s (try {attempt + 1})")
        sleep(seconds)

    def _answer(self, query: str) -> tuple[Table, bool]:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            ask = self._job if self.service.mode == "async" else self._tap.run_sync
            result = ask(query, maxrec=self.service.rows)
            short = str(result.query_status or "").upper() == "OVERFLOW"
            return result.to_table(), short or len(result) >= self.service.rows

    def _job(self, query: str, maxrec: int) -> object:
        """The result of an asynchronous job, which is deleted at the service afterwards."""
        with self._tap.submit_job(query, maxrec=maxrec) as job:
            job.run()
            end = monotonic() + self.manners.timeout
            while (phase := job.phase) not in ("COMPLETED", "ERROR", "ABORTED"):
                if monotonic() > end:
                    raise TimeoutError(f"its job is {phase} after {self.manners.timeout:g} s")
                sleep(self.manners.poll)
            job.raise_if_error()
            return job.fetch_result()
