# SPDX-License-Identifier: MIT
"""QMIX on mpe2's spread, beside a loop in PyTorch as a researcher writes it (`mpe2_qmix`)."""

from collections.abc import Iterator

from measuring import Figure, abba

from flyball.learning.catalogue import ALGORITHMS
from flyball.learning.nets.net import NetConfig
from flyball.worlds import classics
from speed.rates import PEERS, Rate, compared, missing, rival, spent_s

CYCLES = 25
COPIES = 32
FORMS = {
    "": NetConfig(hidden=(64, 64), activation="relu", norm="none"),
    "_with_memory": NetConfig(hidden=(64,), cell="lstm", cell_size=64, norm="none"),
}
NOTES = {
    "": "agents of two layers of 64",
    "_with_memory": "agents of one layer of 64 and a memory of 64: our LSTM, their GRU",
}


def our_steps(net: NetConfig, rounds: int) -> Rate:
    """Return what measures our steps of the world a second, learning included."""
    recipe = ALGORITHMS["qmix"]
    env = classics.make("spread", COPIES)
    config = recipe.config(n_steps=CYCLES, max_steps=CYCLES, updates=COPIES, batch=32)
    run = recipe.make(env, net, config)
    at = iter(range(1_000_000))
    for _ in range(3):
        run.iterate(next(at), 0.0)

    def work() -> None:
        for _ in range(rounds):
            run.iterate(next(at), 0.0)

    return lambda: rounds * COPIES * CYCLES / spent_s(work)


def forms(pairs: int, scale: int) -> Iterator[Figure]:
    """Yield one figure for agents without and one for agents with memory."""
    for form, net in FORMS.items():
        metric, ours = f"qmix_spread{form}_steps_per_s", our_steps(net, max(1, scale // 2))
        note = (
            f"3 agents, {NOTES[form]}, mixer of 32 and 64; one step on 32 episodes for every "
            f"episode played; ours {COPIES} copies at once, theirs one after another"
        )
        if not PEERS.exists():
            yield missing(metric, ours, target=None, note=note)
            continue
        with rival("mpe2_qmix.py", COPIES, *(["gru"] if form else [])) as theirs:
            peer = "PyTorch loop after EPyMARL over mpe2 1.1"
            yield compared(metric, abba(ours, theirs, pairs), peer=peer, target=None, note=note)


def qmix(pairs: int, scale: int) -> list[Figure]:
    """QMIX on spread: steps of the world a second while it learns."""
    return list(forms(pairs, scale))
