"""Owns the REST target: prepares for a shape, delivers its batches, gives receipts."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from marea.connectors.rest import routes
from marea.connectors.rest.course import Course
from marea.connectors.rest.options import Options
from marea.connectors.rest.records import records
from marea.connectors.rest.retry import Failure, Policy
from marea.connectors.rest.words import clean
from marea.errors import ConfigurationError, Fault, SystemUnreachable
from marea.ports import Receipt, Shape
from marea.stop import Stop

if TYPE_CHECKING:
    import pyarrow as pa

    from marea.config.settings import SystemSettings
    from marea.connectors.rest.connection import Connection


KNOCK_SECONDS = 5.0
UNCOMMITTED = 4
"""Deliveries whose ids may not be known to the state yet, the one under way included; rather too many."""


class RestTarget:
    """An application that takes records over HTTP."""

    def __init__(self, system: SystemSettings, address: str, options: Options, policy: Policy) -> None:
        """`address` is the system's url without user and password, `options` its own as they are meant."""
        self._system = system
        self._name = system.name
        self._address = address
        self._options = options
        self._policy = policy
        self._stop = Stop()
        self._known: Callable[[str], bool] = lambda target_id: False
        self._given: deque[set[str]] = deque(maxlen=UNCOMMITTED)
        self._connection: Connection | None = None
        self._opening = threading.Lock()

    def prepare(self, shape: Shape) -> None:
        """Checks the shape's routes and the certificates to trust; calls nothing."""
        self._routes(shape)
        self._open()

    def repeats(self, shape: Shape) -> bool:
        """Not where the application gives its own ids and there is no `find` to ask it."""
        return self._routes(shape).repeats

    def gives_ids(self, shape: Shape) -> bool:
        """Where the answers to what makes a record hold its id."""
        return not self._routes(shape).keyed

    def deliver(self, shape: Shape, batch: pa.Table) -> Receipt:
        """Applies a batch, `concurrency` calls at once; see `marea.ports.Target`.

        Never raises BatchRefused: a batch makes many calls, and one that is refused as a
        whole is halved here, while the others go on. Raises ConfigurationError where no answer holds
        what the options look for; what was sent then is in doubt, as after a death, and is sent again.
        """
        from marea.connectors.rest.courier import Courier

        connection = self._open()
        course = Course(batch.num_rows)
        routes = self._routes(shape)
        courier = Courier(shape, routes, connection.wire, self._policy, course, self._is_known)
        self._given.append(course.given)
        workers = min(self._options.concurrency, batch.num_rows)
        connection.run(courier.run(records(shape, batch), workers, self._stop))
        secrets = connection.wire.secrets
        if course.misread is not None:
            raise ConfigurationError([self._misread(shape, course.misread, secrets)])
        if course.away is not None and course.untouched:
            raise SystemUnreachable(
                self._name,
                clean(course.away.text, secrets),
                hint=self._next(course.away),
            )
        return course.receipt(secrets)

    def knock(self) -> None:
        """Opens a connection to the application and closes it."""
        import socket

        address = urlsplit(self._address)
        port = address.port or (443 if address.scheme == "https" else 80)
        try:
            socket.create_connection((address.hostname or "", port), timeout=KNOCK_SECONDS).close()
        except OSError as error:
            text = f"nothing answers at {address.hostname}:{port}: {error.strerror or error}"
            raise SystemUnreachable(self._name, text) from None

    def heed(self, stop: Stop) -> None:
        """Calls that are on their way when `stop` is asked for are waited for; no other is begun."""
        self._stop = stop

    def heed_ids(self, known: Callable[[str], bool]) -> None:
        """What `find` shows under another spelling of the key is left alone where its id is known."""
        self._known = known
        self._given.clear()

    def _is_known(self, target_id: str) -> bool:
        return any(target_id in given for given in self._given) or self._known(target_id)

    def close(self) -> None:
        """Closes every connection and ends the thread that served them."""
        with self._opening:
            connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def _open(self) -> Connection:
        from marea.connectors.rest.connection import Connection

        with self._opening:
            if self._connection is None:
                self._connection = Connection(self._name, self._address, self._options)
            return self._connection

    def _routes(self, shape: Shape) -> routes.Routes:
        return routes.of_entity(self._system.options, shape.options, shape.entity, shape.key)

    def _misread(self, shape: Shape, why: Failure, secrets: Iterable[str]) -> Fault:
        """The fault of the option that every answer was looked up by in vain, where it is written."""
        text = f"the answer to a batch cannot be read: {clean(why.text, secrets)}"
        part, _, name = why.option.partition(".")
        own = shape.options.get(part)
        if isinstance(own, Mapping) and name in own:
            hint = f"correct target.{why.option} of {shape.entity}"
            return Fault(text, entity=shape.entity, field=f"target.{why.option}", hint=hint)
        return self._system.fault(text, why.option, f"correct {why.option} of system {self._name}")

    def _next(self, why: Failure) -> str:
        """What to do: when to run again, no sooner than the application asked for, or what to mend first."""
        if why.code == "login":
            entry = "login" if self._options.login is not None else "auth"
            return (
                f"nothing is lost; mend `{entry}` of system {self._name} in the configuration, and run again"
            )
        if why.asked is None:
            return "nothing is lost; run again when it is back"
        return f"nothing is lost; it asks to be left alone for {why.asked:.0f} s"
