"""Owns the contract suite of connectors themselves: what each says of a system before it opens one."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar

import pytest

from marea.capabilities import Addressing
from marea.config import addresses
from marea.config.mistake import Mistake
from marea.config.settings import EntitySettings, SourceSettings, SystemSettings, TargetSettings
from marea.errors import ConfigurationError
from marea.ports import Connector
from marea.testing.suite import Suite

SECRET = "pa55word"  # noqa: S105 - of no system


class ConnectorContract(Suite):
    """Subclass it, fill in what it asks for, and every test of it is a promise of the connector.

    `connector` is made anew for each test. No system is asked: an address may lead nowhere.
    """

    name: ClassVar[str]
    """The name of its entry point."""
    alike: ClassVar[Sequence[str]]
    """URLs of one place in every spelling; logins are `reader` with the password `pa55word`."""
    others: ClassVar[Sequence[str]]
    """URLs of other places, each another one."""
    unreadable: ClassVar[Sequence[str]] = ()
    """URLs it serves and cannot read; they may hold `pa55word`."""
    options: ClassVar[Mapping[str, Any]] = {}
    """Options of a system that are sound, with `pa55word` where one is a secret."""
    wrong: ClassVar[Mapping[str, object]] = {}
    """Option -> a value that it may not have."""
    roles: ClassVar[Sequence[str]] = ("source", "target")
    """What its systems can be."""
    unproved: ClassVar[str] = ""
    """Why the suites of its roles are not run: no system of its kind is at hand. Empty: they are."""

    @pytest.fixture
    def connector(self) -> Connector:
        """The connector under test."""
        raise NotImplementedError("give the connector")

    def system(self, url: str, **options: object) -> SystemSettings:
        """A system of the connector."""
        return SystemSettings("erp", self.name, url, options, line=7)

    # -- what it serves ----------------------------------------------------------------------

    def test_its_schemes_choose_it(self, connector: Connector) -> None:
        assert connector.declares.schemes
        for url in (*self.alike, *self.others):
            named = None if _scheme(url) in connector.declares.schemes else self.name
            assert addresses.connector(url, named) == self.name
            assert addresses.connector(url, self.name) == self.name

    def test_it_shows_every_scheme_it_declares(self, connector: Connector) -> None:
        shown = {_scheme(url) for url in (*self.alike, *self.others)}
        assert shown == {*connector.declares.schemes, *connector.declares.named}

    def test_sql_means_databases(self, connector: Connector) -> None:
        url = next(url for url in self.alike if _scheme(url) in connector.declares.schemes)
        if connector.declares.database:
            assert addresses.connector(url, "sql") == self.name
        else:
            with pytest.raises(Mistake):
                addresses.connector(url, "sql")

    def test_it_serves_no_other_scheme(self) -> None:
        with pytest.raises(Mistake, match=f"the connector {self.name} does not serve"):
            addresses.connector("nowhere://host/place", self.name)

    def test_a_parameter_of_a_url_that_is_not_known_is_told_before_anything_is_opened(
        self, connector: Connector
    ) -> None:
        known = connector.declares.parameters
        if known is None:
            return
        url = self.alike[0].partition("?")[0]
        with pytest.raises(Mistake, match="not known") as caught:
            addresses.connector(f"{url}?{SECRET}=1", self.name)
        assert SECRET not in caught.value.message + caught.value.hint
        for name in known:
            with pytest.raises(Mistake) as caught:
                addresses.connector(f"{url}?{name}__=1", self.name)
            assert f'"{name}"' in caught.value.hint

    # -- options -----------------------------------------------------------------------------

    def test_sound_options_have_no_faults(self, connector: Connector) -> None:
        assert connector.validate({}) == []
        assert connector.validate(self.options) == []

    def test_an_unknown_option_is_named(self, connector: Connector) -> None:
        (said,) = connector.validate({**self.options, "nonsense": SECRET})
        assert "nonsense" in said
        assert SECRET not in said

    def test_each_wrong_option_is_a_sentence_of_its_own(self, connector: Connector) -> None:
        found = connector.validate({**self.wrong, "nonsense": 1})
        for name in (*self.wrong, "nonsense"):
            said = [text for text in found if name in text.partition("known here")[0]]
            assert len(said) == 1, (name, found)
        assert all(text == " ".join(text.split()) for text in found)

    # -- places ------------------------------------------------------------------------------

    def test_a_place_has_one_spelling_without_its_login(self, connector: Connector) -> None:
        (place,) = {connector.place(self.system(url, **self.options)) for url in self.alike}
        assert place == connector.place(self.system(self.alike[0]))
        assert "reader" not in place
        assert SECRET not in place

    def test_other_places_are_told_apart(self, connector: Connector) -> None:
        urls = (self.alike[0], *self.others)
        assert len({connector.place(self.system(url)) for url in urls}) == len(urls)

    def test_a_url_that_cannot_be_read_says_so(self, connector: Connector) -> None:
        for url in self.unreadable:
            with pytest.raises(ConfigurationError) as caught:
                connector.place(self.system(url))
            assert "erp" in str(caught.value)
            assert SECRET not in str(caught.value)
            assert all(fault.line == 7 for fault in caught.value.faults)

    def test_it_can_what_it_declares(self, connector: Connector) -> None:
        self.can_what_it_declares(connector, (Addressing,))

    def test_records_are_addressed_by_the_same_names(self, connector: Connector) -> None:
        self.can(Addressing)
        assert isinstance(connector, Addressing)
        found = [
            connector.addressing(self.system(self.alike[0], **self.options), _entity(key)) for key in "ab"
        ]
        assert found[0].keys() == found[1].keys()
        assert all(
            isinstance(value, str) and SECRET not in value for each in found for value in each.values()
        )

    # -- roles -------------------------------------------------------------------------------

    def test_a_role_opens_nothing_and_shows_no_secret(self, connector: Connector) -> None:
        for name in self.roles:
            opened = self._role(connector, name)(self.system(self.alike[0], **self.options))
            assert SECRET not in repr(opened)
            opened.close()
            opened.close()

    def test_a_role_it_has_not_is_refused(self, connector: Connector) -> None:
        for name in {"source", "target"} - set(self.roles):
            with pytest.raises(ConfigurationError, match="erp") as caught:
                self._role(connector, name)(self.system(self.alike[0], **self.options))
            assert all(fault.line == 7 for fault in caught.value.faults)

    def _role(self, connector: Connector, name: str) -> Callable[[SystemSettings], Any]:
        return connector.source if name == "source" else connector.target


def _scheme(url: str) -> str:
    return url.partition("://")[0].lower()


def _entity(key: str) -> EntitySettings:
    return EntitySettings(
        "customers",
        SourceSettings("erp", "customers", (key,)),
        TargetSettings("erp", "accounts", (key,)),
        (),
    )
