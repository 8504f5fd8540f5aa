"""Owns trying SQL on the engine while a mapping is compiled, and gathering what it refuses."""

from __future__ import annotations

from typing import TYPE_CHECKING

from marea.config.settings import EntitySettings
from marea.errors import ConfigurationError, Fault
from marea.mapping import foreign
from marea.mapping.canonical import PROVED, fingerprint

if TYPE_CHECKING:
    import duckdb

NO_TYPE = '"NULL"'
"""The type of NULL, which stands for what cannot be judged; it fits wherever any type does."""

_COMPARE = "compare it, such as `price > 0` or `title IS NOT NULL`"


class Trial:
    """Describes queries, and notes each fault with the line it stands in."""

    def __init__(self, file: str, entity: EntitySettings, engine: duckdb.DuckDBPyConnection) -> None:
        self._file = file
        self._entity = entity
        self.engine = engine
        self.faults: list[Fault] = []

    def fault(self, message: str, line: int, name: str = "", hint: str = "") -> None:
        """Note a fault of what stands at the path `name`, or of the entity where it is empty."""
        self.faults.append(Fault(message, self._file, line, self._entity.name, name, hint))

    def stop_on_faults(self) -> None:
        """Raises ConfigurationError with all that was noted, if anything was."""
        if self.faults:
            raise ConfigurationError(self.faults)

    def types(self, sql: str, line: int, name: str = "") -> dict[str, str]:
        """Column -> DuckDB type of a SELECT; a fault, and nothing, where the engine refuses it."""
        import duckdb

        try:
            return {row[0]: row[1] for row in self.engine.execute(f"DESCRIBE {sql}").fetchall()}
        except duckdb.Error as error:
            words = _words(error)
            self.fault(words, line, name, foreign.hint(words))
            return {}

    def proof(self) -> int:
        """What tells this engine's fingerprints from another's."""
        return int(self.engine.execute(f"SELECT {fingerprint(PROVED)}").fetchall()[0][0])

    def truth(self, sql: str, line: int, name: str = "") -> None:
        """A fault where the one column of a SELECT is known not to be of the type BOOLEAN."""
        for found in self.types(sql, line, name).values():
            if found not in ("BOOLEAN", NO_TYPE):
                self.fault(f"a value of type {found} is no condition", line, name, _COMPARE)


def _words(error: Exception) -> str:
    """The engine's own words without its picture of the query and its list of functions."""
    text = str(error).partition("Error: ")[2] or str(error)
    lines = text.split("\n\n")[0].partition("Candidate functions")[0].splitlines()
    return " ".join(line.strip() for line in lines if line.strip() and not line.startswith("LINE"))
