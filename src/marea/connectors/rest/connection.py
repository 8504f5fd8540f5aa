"""Owns the thread that serves a target's calls, and the wire that lives in it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine
from typing import Any, TypeVar

from marea.connectors.rest.options import Options
from marea.connectors.rest.wire import Wire
from marea.errors import ConfigurationError

T = TypeVar("T")


class Connection:
    """An event loop in a thread of its own; `run` may be called from any other thread."""

    def __init__(self, name: str, address: str, options: Options) -> None:
        """Calls nothing yet. Raises ConfigurationError when the certificates of `ca` cannot be read."""
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name=f"rest {name}", daemon=True)
        self._thread.start()
        try:
            self.wire = self.run(_wire(address, options))
        except OSError as error:
            self._stop()
            fault = f"the certificates in {options.ca} cannot be read: {error.strerror or error}"
            raise ConfigurationError.single(fault, entity=name, field="ca") from None

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """The result of `work`; an interruption of the caller cancels it."""
        future = asyncio.run_coroutine_threadsafe(work, self._loop)
        try:
            return future.result()
        except BaseException:
            future.cancel()
            raise

    def close(self) -> None:
        """Closes the wire and ends the thread."""
        self.run(self.wire.close())
        self._stop()

    def _stop(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


async def _wire(address: str, options: Options) -> Wire:
    return Wire(address, options)
