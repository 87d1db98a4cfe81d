"""The rows of a cell from TAP services."""

from collections.abc import Callable, Sequence

from ..errors import ConfigError, InputError
from . import cells as cutting
from .catalogues import from_archive
from .origins import Rows, Wanted
from .query import cell_query
from .survey import Survey
from .tap import Manners, TapClient

DEEPEST = 5
"""Orders below the cell to which a cell is split where a service cuts answers short."""


class Services:
    """TAP services, a query per cell and survey; where an answer is cut short, one per quarter."""

    may_be_empty = False

    def __init__(
        self,
        wanted: Wanted,
        surveys: Sequence[Survey],
        url: str | None,
        manners: Manners,
        say: Callable[[str], None],
    ) -> None:
        self.wanted, self.surveys, self.say = wanted, list(surveys), say
        for survey in surveys:
            if survey.tap is None:
                raise ConfigError(f"survey {survey.name}: no TAP service is known that has it.")
        self._clients = {s.name: TapClient(s.tap, url or s.tap.url, manners, say) for s in surveys}
        self._fold = any(s.catalogues[0] != wanted.catalogue for s in surveys)

    def facts(self) -> list[dict]:
        """What the record says of where rows come from."""
        return [
            {**s.facts(), "tap": {"url": self._clients[s.name].url, "table": s.tap.table}}
            for s in self.surveys
        ]

    def rows(self, cell: int) -> Rows:
        """A cell's rows, from every survey."""
        parts, queries, lost = [], [], 0
        for survey in self.surveys:
            found = self._survey_rows(survey, cell, self.wanted.order)
            parts.append(found.table)
            queries += found.queries
            lost += found.without_position
        return Rows(cutting.join(parts, f"cell {cell}", self._fold), tuple(queries), lost)

    def _survey_rows(self, survey: Survey, cell: int, order: int) -> Rows:
        wanted, client = self.wanted, self._clients[survey.name]
        query = cell_query(survey, wanted.catalogue, wanted.bands, cell, order)
        answer, short = client.ask(query)
        where = f"{client.url} {survey.tap.table}"
        if not short:
            table = from_archive(wanted.catalogue, answer, wanted.bands, where, [survey])
            fold = survey.catalogues[0] != wanted.catalogue
            rows = cutting.cut(table, [cell], order, where, fold)[cell]
            return Rows(rows, (query,), len(answer) - len(table))
        if order >= wanted.order + DEEPEST:
            raise InputError(
                f"{where}: still cut short at {len(answer)} rows for cell {cell} of order {order}; "
                "the service allows too few rows: ask another (--tap URL) or import files."
            )
        self.say(f"{client.url}: cut short at {len(answer)} rows; asked again in four parts")
        parts = [self._survey_rows(survey, 4 * cell + k, order + 1) for k in range(4)]
        return Rows(
            cutting.join([part.table for part in parts], where),
            tuple(query for part in parts for query in part.queries),
            sum(part.without_position for part in parts),
        )
