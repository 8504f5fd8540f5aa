"""Owns keeping the leases of a run alive while its stages work."""

from __future__ import annotations

import threading
from contextlib import nullcontext, suppress
from types import TracebackType
from typing import TYPE_CHECKING

from marea.engine.entity.clock import Clock
from marea.errors import MareaError
from marea.stop import Stop
from marea.store.commit import LEASE_LOST
from marea.store.moments import SECOND

if TYPE_CHECKING:
    from marea.store.leases import Leases

LEASE_SECONDS = 120.0
BEAT_SECONDS = 20.0


class Heartbeat:
    """Renews one entity's lease until the `with` block is left, then releases it.

    A state that fails is asked again with the next beat, for as long as the lease is ours. A lost
    lease is no error here: it asks what goes on under it to end, and no intent or commit gets through.
    """

    def __init__(self, leases: Leases, entity: int, owner: str, clock: Clock, stop: Stop) -> None:
        """`stop` is the run's."""
        self._leases = leases
        self._entity = entity
        self._clock = clock
        now = clock()
        self.fence = leases.acquire(entity, owner, now, LEASE_SECONDS)
        self._expires = now + int(LEASE_SECONDS * SECOND)
        self.stop = Stop(stop)
        """Asks for the end of what goes on under the lease."""
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._beat, name="marea-lease", daemon=True)

    def __enter__(self) -> Heartbeat:
        self._thread.start()
        return self

    def hold(self) -> None:
        """Raises RunStopped when another run may have the entity; asks the state only when time has run out.

        For a process that was halted longer than its lease: to be called directly before a delivery.
        """
        if self._clock() >= self._expires:
            self._renew()

    def _renew(self) -> None:
        now = self._clock()
        self._leases.renew(self._entity, self.fence, now, LEASE_SECONDS)
        self._expires = now + int(LEASE_SECONDS * SECOND)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._thread.join()
        # An error under way says more than one of the release, and the lease ends by itself.
        with suppress(MareaError) if error is not None else nullcontext():
            self._leases.release(self._entity, self.fence)

    def _beat(self) -> None:
        while not self._over.wait(BEAT_SECONDS) and not self._lost():
            pass

    def _lost(self) -> bool:
        """Renews the lease; whether another run has it."""
        try:
            self._renew()
        except MareaError as error:
            if error.code != LEASE_LOST:
                return False
            self.stop.ask(error)
            return True
        return False
