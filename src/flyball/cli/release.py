# SPDX-License-Identifier: MIT
"""`flyball release`: sign a trained policy, admit it, and put it beside the plant in shadow."""

import getpass
import json
from pathlib import Path
from typing import Annotated

import typer

from flyball.cli.serve import FOLDER, site_of
from flyball.cli.telling import guarded, say
from flyball.core.clock import SystemClock
from flyball.core.errors import Problem, RunError

BUNDLE, EVALUATION = "bundle", "evaluation.json"


@guarded
def release(
    run: Annotated[Path, typer.Argument(help="A run's folder.")],
    *,
    plant: Annotated[str, typer.Option(help="The plant that is served.")] = "classics/two-tanks",
    key: Annotated[Path, typer.Option(help="Private key; made if there is none.")] = Path(
        "key.pem"
    ),
    purpose: Annotated[str, typer.Option(help="What the policy is for, in a sentence.")] = "",
    begin: Annotated[bool, typer.Option(help="Begin a comparison: shadow.")] = True,
    folder: FOLDER = Path("serving"),
) -> None:
    """Sign and admit the policy of a run, and put it into shadow at a plant.

    Example: flyball release runs/<id> --plant classics/two-tanks
    """
    from flyball import releases

    if not (run / BUNDLE).is_dir():
        raise RunError(
            Problem(
                where=str(run),
                found="no policy in it",
                allowed="the folder of a run that has ended",
                fix="flyball train, or flyball train --resume, first",
            )
        )
    site, clock = site_of(plant), SystemClock()
    (folder / "trust").mkdir(0o700, parents=True, exist_ok=True)
    if not key.exists():
        own = releases.signing.make_key(key)
        public = key.with_name(key.name.removesuffix(".pem") + ".pub.pem")
        public.replace(folder / "trust" / public.name)
        say(f"made key {own}: {key} stays with you, the server trusts its public half")
    told = run / EVALUATION
    evaluation = json.loads(told.read_text()) if told.exists() else {}
    about = releases.About(
        purpose=purpose or f"decides for {site.name}", spec=site.spec, evaluation=evaluation
    )
    vault = releases.Vault(folder / "vault")
    digest = releases.pack(run / BUNDLE, vault, releases.signing.Signer(key), about)
    trust = releases.signing.Trust.read(folder / "trust")
    admitted = releases.admit(digest, vault, trust, releases.Expected(spec=site.spec))
    say(f"release {digest[:12]}: signed, admitted, kept in {folder / 'vault'}")
    me = releases.Person(getpass.getuser(), releases.Role.ENGINEER)
    registry = releases.Registry.open(folder / "registry.db", clock)
    try:
        registry.set_up(site.name, site.fallback_name, by=me)
        registry.add(admitted.manifest, signer=admitted.signer, by=me, why="released by a command")
        if begin:
            command = releases.staging.Command(deed="begin", challenger=digest, why="released")
            staging = registry.stage(site.name, command, me)
            say(f"comparison {staging.number} at {site.name}: {staging.stage}, beside "
                f"{staging.control[:24]}")  # fmt: skip
    finally:
        registry.close()
