"""Owns the words of the command line: every command, its options, and the function that carries it out."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Sequence
from typing import Any, NoReturn

from marea.config.names import nearest, suggest
from marea.errors import ConfigurationError

DESCRIPTION = "Keeps a CRM, portal or shop aligned with an ERP database."
EPILOG = (
    "exit codes: 0 all delivered or nothing to do; 1 finished, but this run or an earlier one left records "
    "rejected, waiting or deferred; "
    "2 usage or configuration; 3 a system was away, or stopped: nothing lost, run again; 4 internal"
)

DEFAULT = "marea.yaml"
"""The configuration where none is named."""

_DIGITS = 18  # what every database holds
_NAMED = "as the configuration names it"
_KEY = "0815, or 3211264,0815, or a JSON list"
_DRY_RUN = "`marea plan` shows what a run would deliver, and writes nothing"
_OUTCOMES = ("created", "updated", "deleted", "unchanged", "rejected", "waiting", "deferred", "held")


class Formatter(argparse.HelpFormatter):
    """Knows its width by itself: argparse asks shutil, whose import costs more than all our options."""

    def __init__(self, prog: str) -> None:
        super().__init__(prog, width=_width() - 2)


def _width() -> int:
    columns = os.environ.get("COLUMNS", "")
    if columns.isdecimal() and int(columns):
        return int(columns)
    try:
        return os.get_terminal_size().columns
    except OSError:
        return 80


class Parser(argparse.ArgumentParser):
    """A parser whose complaints are errors of ours, so that `--json` tells them too."""

    def __init__(self, prog: str | None = None, **options: Any) -> None:
        super().__init__(prog, **{"formatter_class": Formatter, **options})

    def error(self, message: str) -> NoReturn:
        """Raises ConfigurationError instead of leaving the process."""
        raise ConfigurationError.single(message, hint=f"see `{self.prog} --help`")

    def refuse(self, surplus: Sequence[str]) -> NoReturn:
        """Raises ConfigurationError for words that the command does not take, with the nearest option."""
        message = f"unrecognized arguments: {' '.join(surplus)}"
        if "--dry-run" in surplus:
            raise ConfigurationError.single(message, hint=_DRY_RUN)
        options = (word.partition("=")[0] for word in surplus if word.startswith("--"))
        near = next((hint for word in options if (hint := nearest(word, self._option_string_actions))), "")
        raise ConfigurationError.single(message, hint=f"{near} see `{self.prog} --help`".strip())

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        """Raises ConfigurationError with the nearest choice; argparse would list them all."""
        if action.choices is not None and value not in action.choices:
            what = "command" if action.dest == argparse.SUPPRESS else action.dest
            hint = suggest(str(value), action.choices)
            raise ConfigurationError.single(f'there is no {what} "{value}"', hint=hint)


def parse(words: Sequence[str]) -> argparse.Namespace:
    """The options of a command line; `action` is the `module:function` that carries it out.

    Raises ConfigurationError for words that make no command, SystemExit for --help and --version.
    """
    if words and words[0] == "help":
        words = [*words[1:], "--help"]
    parser = _parser()
    options, surplus = parser.parse_known_args(words)
    if surplus:
        options.parser.refuse(surplus)
    if options.command == "capture" and not options.action:
        raise ConfigurationError.single(
            "say what is to be done: install or remove", hint="see `marea capture --help`"
        )
    if options.action is None and options.json:
        raise ConfigurationError.single("no command is named", hint="see `marea --help`")
    if options.action is None:
        parser.print_help()
        raise SystemExit(0)
    return options


def _parser() -> Parser:
    parser = Parser("marea", description=DESCRIPTION, epilog=EPILOG, allow_abbrev=False)
    parser.add_argument("--version", action=_Version, nargs=0, help="show the version")
    parser.set_defaults(action=None, command="", parser=parser, config=None, json=False, debug=False)
    common = Parser(add_help=False, allow_abbrev=False)
    for holder in (parser, common):
        _common(holder)
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", parser_class=Parser)
    for name, (action, text, build) in _COMMANDS.items():
        command = commands.add_parser(
            name,
            help=text,
            description=text[0].upper() + text[1:] + ".",
            parents=[common],
            allow_abbrev=False,
        )
        command.set_defaults(action=action, command=name, parser=command)
        build(command)
    return parser


class _Version(argparse.Action):
    def __call__(self, parser: argparse.ArgumentParser, *rest: object) -> NoReturn:
        from marea import __version__

        print(f"marea {__version__}")
        parser.exit()


def _common(parser: argparse.ArgumentParser) -> None:
    """Options that may stand before the command and after it."""
    hidden = argparse.SUPPRESS
    parser.add_argument(
        "-c", "--config", metavar="FILE", default=hidden, help=f"the configuration ({DEFAULT}, MAREA_CONFIG)"
    )
    parser.add_argument("--json", action="store_true", default=hidden, help="one JSON document on stdout")
    parser.add_argument("--debug", action="store_true", default=hidden, help="show where an error arose")


# -- options of each command ---------------------------------------------------------------------


def _entities(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "entities", nargs="*", metavar="ENTITY", help=f"the entities meant, {_NAMED}; all by default"
    )


def _entity(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("entity", metavar="ENTITY", help=f"the entity meant, {_NAMED}")


def _chosen(parser: argparse.ArgumentParser) -> None:
    """What a run reads, for `sync` and `plan` alike."""
    _entities(parser)
    parser.add_argument("--full", action="store_true", help="read everything again, deliver the differences")
    parser.add_argument("--resend", action="store_true", help="deliver even what is equal")
    parser.add_argument("--moved", action="store_true", help="the same source at another place: read it all")
    parser.add_argument("--where", metavar="SQL", help="the records that fulfil a condition of the source")
    _keys(parser)


def _keys(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--key", action="append", default=[], metavar="KEY", help=f"one record: {_KEY}; may be repeated"
    )


def _sync(parser: argparse.ArgumentParser) -> None:
    _chosen(parser)
    parser.add_argument("--only-failed", action="store_true", help="what is rejected, waiting or deferred")


def _plan(parser: argparse.ArgumentParser) -> None:
    _chosen(parser)
    _limit(parser, 20, "records shown of each entity")


def _scan(parser: argparse.ArgumentParser) -> None:
    _entities(parser)
    parser.add_argument("--report", action="store_true", help="tell what differs, and deliver nothing")
    _limit(parser, 20, "records of each entity that a report shows")


def _limit(parser: argparse.ArgumentParser, default: int, text: str) -> None:
    parser.add_argument("--limit", type=_number, default=None, metavar="N", help=f"{text} ({default})")
    parser.set_defaults(limit_default=default)


def _number(text: str) -> int:
    if not text.isdecimal() or len(text) > _DIGITS or not int(text):
        raise argparse.ArgumentTypeError(f"{text!r} is no number above zero of at most {_DIGITS} digits")
    return int(text)


def _touch(parser: argparse.ArgumentParser) -> None:
    _entity(parser)
    parser.add_argument(
        "--where", metavar="SQL", required=True, help="the records meant, in the source's SQL"
    )
    parser.add_argument("--dry-run", action="store_true", help="count them and change nothing")


def _runs(parser: argparse.ArgumentParser) -> None:
    _limit(parser, 20, "runs shown, newest first")


def _log(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--entity", metavar="ENTITY", help="one entity, a former one too")
    parser.add_argument("--key", metavar="KEY", help="one record")
    parser.add_argument("--run", type=_number, metavar="N", help="one run")
    parser.add_argument("--outcome", choices=_OUTCOMES)
    parser.add_argument("--cause", metavar="CAUSE", help='how changes were found, such as "direct SQL"')
    parser.add_argument("--field", metavar="FIELD", help="entries in which this field changed")
    parser.add_argument("--since", metavar="TIME", help="2026-11-05, 2026-11-05T14:30, or 2h ago as 2h")
    parser.add_argument("--until", metavar="TIME", help="as --since; a day is meant to its end")
    parser.add_argument("--text", metavar="TEXT", help="stands in the key, an error or a value")
    parser.add_argument("--export", metavar="FILE", help="to FILE.csv, FILE.parquet or FILE.jsonl")
    _limit(parser, 50, "entries shown, of the newest run first; --json and --export have all")


def _explain(parser: argparse.ArgumentParser) -> None:
    _entity(parser)
    parser.add_argument("key", metavar="KEY", help=_KEY)


def _retry(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "entity", metavar="ENTITY", nargs="?", help=f"the entity meant, {_NAMED}; all by default"
    )
    _keys(parser)


def _approve(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("run", metavar="RUN", type=int, help="the run that held them back")


def _init(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--source", metavar="URL", required=True, help="the database to read")
    parser.add_argument(
        "--target",
        metavar="URL",
        help="a database, or an application's address (a new SQLite file, target.db)",
    )
    parser.add_argument("--output", metavar="FILE", default=DEFAULT, help=f"the file to write ({DEFAULT})")
    parser.add_argument("--force", action="store_true", help="write over a file that is there")


def _capture(parser: argparse.ArgumentParser) -> None:
    """Its two actions, each a command of its own."""
    actions = parser.add_subparsers(title="actions", metavar="ACTION", parser_class=Parser)
    for name, text in _CAPTURE.items():
        action = actions.add_parser(
            name, help=text, description=text[0].upper() + text[1:] + ".", allow_abbrev=False
        )
        _common(action)
        _entities(action)
        action.add_argument("--sql", action="store_true", help="print the SQL and do nothing")
        action.set_defaults(action=f"capture:{name}", parser=action)


def _demo(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--keep", metavar="FOLDER", help="play it in a new folder that stays")


def _nothing(parser: argparse.ArgumentParser) -> None:
    """A command without options of its own."""


_CAPTURE = {
    "install": "make in the source what the configured captures need there",
    "remove": "remove from the source what captures have there",
}

_Build = Callable[[argparse.ArgumentParser], None]

_COMMANDS: dict[str, tuple[str, str, _Build]] = {
    "demo": ("demo:demo", "walk through the whole story on this machine", _demo),
    "init": ("setup:init", "read a database and write a starter configuration", _init),
    "check": ("setup:check", "examine configuration, systems, captures", _entities),
    "plan": ("plan:plan", "show what a run would deliver, field by field; write nothing", _plan),
    "sync": ("sync:sync", "deliver what changed since the last run", _sync),
    "scan": ("scan:scan", "compare all records by digests, deliver what differs", _scan),
    "touch": ("records:touch", "set the last-edit date in the source for the records meant", _touch),
    "status": ("status:status", "show entities, positions, backlog, last runs", _entities),
    "runs": ("status:runs", "show the last runs", _runs),
    "log": ("journal:log", "show what became of records, with their values before and after", _log),
    "explain": ("records:explain", "tell the life of one record, and what to do", _explain),
    "retry": ("sync:retry", "try again what is rejected, waiting or deferred", _retry),
    "approve": ("sync:approve", "delete what a run has held back as suspiciously many", _approve),
    "capture": ("", "install or remove what captures need in a source", _capture),
    "schema": ("setup:schema", "print the JSON Schema of the configuration, for editors", _nothing),
}
