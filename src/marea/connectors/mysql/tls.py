"""Owns the encryption of connections to MariaDB and MySQL."""

from __future__ import annotations

from functools import cache
from typing import Any

import pymysql

from marea.connectors.mysql.options import Login


class Connection(pymysql.Connection):
    """The driver's connection, which makes a new context for every connection it may encrypt.

    Loading the certificates of the system takes longer than all else a run with nothing to
    do does; where they are not looked at they are not loaded.
    """

    def _create_ssl_ctx(self, sslp: Any) -> Any:
        return sslp or _context("preferred", None)


@cache
def _context(mode: str, authorities: str | None) -> Any:
    """How a connection is encrypted: with or without a look at the server's certificate."""
    import ssl

    if mode == "verify":
        return ssl.create_default_context(cafile=authorities)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def tls(login: Login) -> dict[str, Any]:
    """The driver's words for the parameters ssl and ssl_ca; it encrypts by itself where the server can."""
    if login.ssl == "disabled":
        return {"ssl_disabled": True}
    return {} if login.ssl == "preferred" else {"ssl": _context(login.ssl, login.ssl_ca)}
