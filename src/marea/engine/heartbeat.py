"""Owns keeping the leases of a run alive while its stages work."""

from __future__ import annotations

import threading
from types import TracebackType
from typing import TYPE_CHECKING

from marea.engine.clock import Clock
from marea.errors import MareaError
from marea.store.commit import LOST

if TYPE_CHECKING:
    from marea.store.leases import Leases

LEASE_SECONDS = 120.0
BEAT_SECONDS = 20.0


class Heartbeat:
    """Renews one entity's lease until the `with` block is left, then releases it.

    A state that fails is asked again with the next beat, for as long as the lease is ours. A lost
    lease is no error here: the next intent or commit finds it out and stops.
    """

    def __init__(self, leases: Leases, entity: int, owner: str, clock: Clock) -> None:
        self._leases = leases
        self._entity = entity
        self._clock = clock
        self.fence = leases.acquire(entity, owner, clock(), LEASE_SECONDS)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._beat, name="marea-lease", daemon=True)

    def __enter__(self) -> int:
        self._thread.start()
        return self.fence

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join()
        self._leases.release(self._entity, self.fence)

    def _beat(self) -> None:
        while not self._stop.wait(BEAT_SECONDS) and not self._lost():
            pass

    def _lost(self) -> bool:
        """Renews the lease; whether another run has it."""
        try:
            self._leases.renew(self._entity, self.fence, self._clock(), LEASE_SECONDS)
        except MareaError as error:
            return error.code == LOST
        return False
