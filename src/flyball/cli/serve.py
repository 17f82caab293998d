# SPDX-License-Identifier: MIT
"""`flyball serve` and `flyball keys`: a policy server for one plant, and who may ask it."""

import threading
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from flyball.cli.telling import guarded, say, show_json
from flyball.core.clock import SystemClock
from flyball.core.errors import ConfigError, Problem, nearest

if TYPE_CHECKING:
    from flyball.releases import Role
    from flyball.serving import Site

ROOM = "classics/"
FOLDER = Annotated[Path, typer.Option(help="Folder of the server: keys, log, releases.")]


@guarded
def serve(  # noqa: PLR0913 - a typer command's options
    plant: Annotated[str, typer.Argument(help="A guarded plant.")] = "classics/two-tanks",
    *,
    folder: Annotated[
        Path | None, typer.Option(help="Folder of the server: keys, log, releases.")
    ] = None,
    host: Annotated[str | None, typer.Option(help="Address to listen at.")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen at.")] = None,
    config: Annotated[Path | None, typer.Option(help="Settings as TOML.")] = None,
    units: Annotated[int, typer.Option(min=0, help="Simulated units; 0: a real plant asks.")] = 4,
    speed: Annotated[float, typer.Option(min=0.0, help="Simulated s a second; 0: at once.")] = 10.0,
) -> None:
    """Decide for a plant over HTTP, with a simulated one that asks where there is none.

    Example: flyball serve classics/two-tanks --units 4
    """
    import uvicorn

    from flyball import serving

    given = {"folder": folder, "host": host, "port": port}
    settings = serving.settings(config, **{k: v for k, v in given.items() if v is not None})
    site = site_of(plant)
    station = serving.Station(site, settings)
    first = _first_key(station)
    say(f"plant {site.name}: {site.fallback_name} is the fallback, steps of {site.step_s:g} s")
    if first:
        say(f"a first key, for admin, shown this once: {first}")
    say(f"listening at http://{settings.host}:{settings.port}; stop with Ctrl-C")
    ended = threading.Event()
    if units:
        _simulate(station, plant, units, speed, ended)
    station.start()
    try:
        uvicorn.run(
            serving.application(station),
            host=settings.host,
            port=settings.port,
            access_log=False,
            log_level="warning",
            server_header=False,
        )
    finally:
        ended.set()
        station.close()


@guarded
def keys(
    name: Annotated[str | None, typer.Argument(help="Whose key; none: list them.")] = None,
    *,
    role: Annotated[str, typer.Option(help="viewer, operator, engineer, approver or admin.")] = "",
    revoke: Annotated[bool, typer.Option("--revoke", help="Take the keys of a name away.")] = False,
    folder: FOLDER = Path("serving"),
) -> None:
    """Make, list and revoke the keys of a server; a key is shown once.

    Example: flyball keys ann --role operator
    """
    from flyball import serving

    known = serving.Keys(folder / "keys.json")
    if name is None:
        show_json([vars(key) | {"digest": key.digest[:12]} for key in known.all()])
    elif revoke:
        say(f"{known.revoke(name)} keys of {name} open nothing any more")
    else:
        own = _role(role)
        folder.mkdir(0o700, parents=True, exist_ok=True)
        say(known.add(name, own, SystemClock()))


def _role(name: str) -> "Role":
    """Return a role by its name.

    Raises
    ------
    ConfigError
        For another one.
    """
    from flyball import releases

    known = [role.name.lower() for role in releases.Role]
    if name.lower() not in known:
        found, fix = f"'{name}'", nearest(name, known) if name else "say what the key may do"
        raise ConfigError(Problem(where="--role", found=found, allowed=", ".join(known), fix=fix))
    return releases.Role[name.upper()]


def site_of(plant: str) -> "Site":
    """Return a guarded plant as it is served: its own limits, proof, and strongest rule."""
    from flyball import experiments, serving
    from flyball.worlds import classics

    name = plant.removeprefix(ROOM)
    proved = [each for each in experiments.proofs.AIMS if each != "forbidden-grid"]
    if name not in proved:
        raise ConfigError(
            Problem(
                where="plant",
                found=f"'{plant}'",
                allowed=", ".join(proved),
                fix=nearest(name, proved),
            )
        )
    scenario = classics.scenario(name)
    *_, best = rules = classics.policies(name)
    named = {each: policy for each, policy in rules.items() if each.isalpha()}
    return serving.Site(
        name=name,
        spec=scenario.spec,
        envelope=experiments.proofs.safe(name),
        step_s=scenario.step_s,
        fallback=rules[best],
        fallback_name=best,
        rules=named,
        plan=serving.plan_of(scenario.spec),
    )


def _first_key(station: Any) -> str:
    """Return a key for admin where there is none at all."""
    from flyball import serving

    if station.keys.all():
        return ""
    return str(station.keys.add("admin", serving.role_of("admin"), station.clock))


def _simulate(station: Any, plant: str, units: int, speed: float, ended: threading.Event) -> None:
    """Let simulated units ask for decisions, in a thread of its own."""
    from flyball import serving
    from flyball.worlds import classics

    name = plant.removeprefix(ROOM)
    rule = classics.policies(name)[station.site.fallback_name]
    twin = (classics.make(name, units), rule)
    seed = int(station.clock.now().timestamp())
    simulated = serving.Simulated(
        classics.make(name, units), station.site.step_s, station.server, seed, twin
    )
    wait_s = station.site.step_s / speed if speed else 0.0

    def run() -> None:
        while not ended.wait(wait_s):
            simulated.step()

    threading.Thread(target=run, name="simulated plant", daemon=True).start()
