# SPDX-License-Identifier: MIT
"""One reproducible run as data: world, algorithm, every setting, seed and budget; to TOML and back.

::

    world = "classics/cartpole"
    algorithm = "ppo"
    steps = 100000          # and the other fields of `RunConfig`

    [scenario]              # settings of the problem
    [net]                   # sizes of the network
    [ppo]                   # settings of the algorithm, by its name
    [shield]                # what stands before the plant; without the table nothing does
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any

from flyball import learning
from flyball.core.errors import ConfigError, Problem
from flyball.experiments.overrides import (
    WHERE,
    Sources,
    Tables,
    laid_over,
    read,
    sources_of,
    tables_of,
    whole,
)
from flyball.experiments.run_config import BUDGETS, RunConfig
from flyball.experiments.settings import build, frozen, tables, toml
from flyball.experiments.shielding import ShieldSettings, placed
from flyball.experiments.subject import Subject


@dataclass(frozen=True, kw_only=True)
class Experiment:
    """Everything that the result of a run depends on, beside the machine."""

    subject: Subject
    algorithm: str
    run: RunConfig
    net: learning.NetConfig
    own: Any
    """Settings of the algorithm: a record of its recipe's kind."""

    def plain(self) -> dict[str, Any]:
        """Return the tables that `experiment_of` reads back."""
        own = {key: value for key, value in tables(self.own).items() if key not in INHERITED}
        found = {
            "world": self.subject.name,
            "algorithm": self.algorithm,
            **tables(self.run),
            "scenario": dict(self.subject.settings),
            "net": tables(self.net),
            self.algorithm: own,
        }
        shield = self.subject.shield
        return found if shield is None else found | {"shield": tables(shield)}

    def to_toml(self) -> str:
        """Return it as TOML; what is None is left out."""
        return toml(self.plain())

    @property
    def settings(self) -> Any:
        """The algorithm's settings with what it inherits from the run."""
        names = {field.name for field in fields(self.own)}
        return replace(self.own, **{k: getattr(self.run, k) for k in INHERITED if k in names})


INHERITED = ("seed", "device")
"""Settings of algorithms that have their home in the run."""


def experiment_of(
    file: Path | None = None, changes: Sequence[str] = (), **options: Any
) -> Experiment:
    """Return the experiment that a file, ``--set`` texts and options ask for.

    Parameters
    ----------
    file
        A TOML file; None: defaults.
    changes
        ``table.key=value`` texts, laid over the file.
    options
        By their key: world, algorithm, steps, ...; None: not given. A budget among changes or
        options takes the place of the file's.

    Raises
    ------
    ConfigError
        With everything that is wrong, each problem with its place.
    """
    sources = sources_of(file, changes, options)
    here = {str(file): file.parent} if file is not None else {}
    sources = [(where, placed(own, here.get(where, Path.cwd()))) for where, own in sources]
    if any(key in tables for where, tables in sources if where != str(file) for key in BUDGETS):
        sources = [
            (where, _without(tables, BUDGETS) if where == str(file) else tables)
            for where, tables in sources
        ]
    everything = whole(sources)
    _require_one_world(sources)
    reader = Reader(str(everything.get("world", "")), str(everything.get("algorithm", "ppo")))
    return read(sources, reader.read)


def with_changes(experiment: Experiment, changes: Sequence[str]) -> Experiment:
    """Return an experiment with ``table.key=value`` texts laid over its settings."""
    reader = Reader(experiment.subject.name, experiment.algorithm)
    return reader.read(laid_over(experiment.plain(), tables_of(changes)), WHERE)


Attempt = Callable[[Problem | Callable[[], Any]], Any]
"""Takes a problem, or calls what may raise ConfigError and returns its result or None."""


@contextmanager
def collecting() -> Iterator[Attempt]:
    """Collect the problems of several attempts; raise them together at the end of the block.

    Raises
    ------
    ConfigError
        With every problem, if there was any.
    """
    problems: list[Problem] = []

    def attempt(what: Problem | Callable[[], Any]) -> Any:
        if isinstance(what, Problem):
            problems.append(what)
            return None
        try:
            return what()
        except ConfigError as error:
            problems.extend(error.problems)
            return None

    yield attempt
    if problems:
        raise ConfigError(problems)


class Reader:
    """Reads tables as an experiment whose world and algorithm are settled."""

    def __init__(self, world: str, algorithm: str) -> None:
        self.world, self.algorithm = world, algorithm
        with collecting() as attempt:
            attempt(lambda: Subject(world))
            self.recipe = attempt(lambda: learning.recipe(algorithm))

    def read(self, tables: Tables, where: str) -> Experiment:
        """Return the experiment; raise ConfigError with everything that is wrong."""
        with collecting() as attempt:
            rest, parts = self._parted(tables, where, attempt)
            shield = None
            if "shield" in parts:
                place = f"{where} [shield]"
                shield = attempt(lambda: build(ShieldSettings, parts["shield"], place))
            subject = attempt(lambda: Subject(self.world, parts["scenario"], shield))
            if subject is not None:
                attempt(lambda: learning.recipe(self.algorithm, subject.spec))
            at = f"{where} [{self.algorithm}]"
            run = attempt(lambda: build(RunConfig, rest, where))
            wanted = asdict(self.recipe.net) | parts["net"]
            net = attempt(lambda: build(learning.NetConfig, wanted, f"{where} [net]"))
            own = attempt(lambda: build(self.recipe.config, parts[self.algorithm], at))
            if net is not None:
                attempt(lambda: self.recipe.require_used(net))
            if subject is not None and own is not None:
                attempt(lambda: self.recipe.require(subject.spec, own, at))
            on_gpu = hasattr(self.recipe.config(), "device")
            if run is not None and run.device == "cuda" and not on_gpu:
                attempt(_on_cpu_only(self.algorithm, where))
        return Experiment(subject=subject, algorithm=self.algorithm, run=run, net=net, own=own)

    def _parted(
        self, tables: Tables, where: str, attempt: Attempt
    ) -> tuple[Tables, dict[str, Tables]]:
        """Return the run's own keys, and the tables by name; refuse what belongs elsewhere."""
        rest = _without(tables, ("world", "algorithm"))
        parts: dict[str, Tables] = {}
        for name in ("scenario", "net", self.algorithm, *(("shield",) if "shield" in rest else ())):
            table = rest.pop(name, {})
            if not isinstance(table, Mapping):
                attempt(_no_table(name, table, where))
                table = {}
            parts[name] = {key: frozen(value) for key, value in table.items()}
        for name in [key for key in rest if key in learning.ALGORITHMS]:
            attempt(_of_another(name, self.algorithm, where))
            del rest[name]
        for key in INHERITED:
            if key in parts[self.algorithm]:
                attempt(_homeless(key, self.algorithm, where))
        return rest, parts


def _without(tables: Mapping[str, Any], keys: Sequence[str]) -> Tables:
    return {key: value for key, value in tables.items() if key not in keys}


def _require_one_world(sources: Sources) -> None:
    """Refuse a file that was written for one world and an option that names another."""
    said = {repr(tables["world"]): where for where, tables in sources if "world" in tables}
    if len(said) > 1:
        raise ConfigError(
            Problem(
                where="world",
                found=", ".join(f"{world} ({where})" for world, where in said.items()),
                allowed="one of them",
                fix="take the file's world, or another file",
            )
        )


def _of_another(name: str, algorithm: str, where: str) -> Problem:
    return Problem(
        where=f"{where} [{name}]",
        found=f"settings of {name}, but the run's algorithm is {algorithm}",
        allowed=f"[{algorithm}]",
        fix=f"take --algorithm {name}, or leave the table out",
    )


def _homeless(key: str, algorithm: str, where: str) -> Problem:
    return Problem(
        where=f"{where} [{algorithm}] {key}",
        found="a setting that the whole run shares",
        allowed=f"{key} outside of the tables",
        fix=f"write {key} without {algorithm}. in front, or --{key}",
    )


def _on_cpu_only(algorithm: str, where: str) -> Problem:
    return Problem(
        where=f"{where} device",
        found=f"cuda, for {algorithm}",
        allowed="cpu or auto: it computes on the CPU",
        fix="take cpu",
    )


def _no_table(name: str, value: object, where: str) -> Problem:
    return Problem(
        where=f"{where} {name}",
        found=repr(value),
        allowed=f"a table, [{name}]",
        fix=f"write for example --set {name}.key=value",
    )
