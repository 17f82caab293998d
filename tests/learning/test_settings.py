# SPDX-License-Identifier: MIT
from math import inf, nan

import pytest

from flyball.core.errors import ConfigError
from flyball.learning.catalogue import ALGORITHMS
from flyball.learning.es import ESConfig
from flyball.learning.imitate import ImitateConfig
from flyball.learning.improve import ImproveConfig
from flyball.learning.nets.net import NetConfig
from flyball.learning.settings import check, require

CONFIGS = {name: recipe.config for name, recipe in ALGORITHMS.items()}
CONFIGS |= {"es": ESConfig, "imitate": ImitateConfig, "improve": ImproveConfig, "net": NetConfig}

HARMFUL = {
    "ppo": {
        "gradient_clip": (-0.5, 0.0, nan),
        "rate_end": (-1.0, 1.5),
        "clip_end": (-0.1, 2.0),
        "value_weight": (-0.5, inf),
        "target_kl": (-0.01, nan),
        "seed": (-1,),
        "rate": (inf, nan, 0.0),
        "entropy": (nan, inf),
        "window": (0,),
    },
    "a2c": {"gradient_clip": (-0.5, 0.0), "rate_end": (-1.0,), "rate": (inf,), "n_steps": (0,)},
    "imitate": {
        "gradient_clip": (-1.0, 0.0),
        "rate_end": (-1.0,),
        "window": (0,),
        "scenarios": (0,),
        "learner_rows": (nan,),
    },
    "improve": {
        "gradient_clip": (-1.0, 0.0),
        "rate_end": (-1.0,),
        "minibatch": (0,),
        "epochs": (0,),
        "scenarios": (0,),
        "group": (1,),
        "signal": ("best_of",),
    },
    "es": {"rate_end": (-1.0,), "sigma": (nan, -1.0), "scenarios": (0,), "pairs": (0,)},
    "dqn": {
        "epsilon": (nan, 1.1),
        "capacity": (0,),
        "learning_starts": (-1,),
        "gradient_clip": (-10.0,),
        "alpha": (1.1,),
        "beta": (-0.1,),
        "file_above_mb": (nan,),
    },
    "sac": {
        "target_entropy": (nan, inf),
        "entropy": (-1.0, nan, "none"),
        "capacity": (0,),
        "learning_starts": (-1,),
        "gradient_steps": (0, -2),
    },
    "td3": {"noise": (nan,), "learning_starts": (-1,), "rate_end": (2.0,), "tau": (0.0, 1.1)},
    "qmix": {"rate": (inf,), "max_steps": (0,), "embed": (0,), "mixer": ("qplex",)},
    "maddpg": {"noise": (0.0, inf), "learning_starts": (-1,), "others": ("current_",)},
    "net": {
        "activation": ("gelu",),
        "deviation": ("x",),
        "critic": ("x",),
        "cell": ("gru",),
        "norm": ("batch",),
        "log_std": (nan, inf, 3.0),
        "feature_clip": (0.0, nan),
        "hidden": ((0, 4),),
        "critic_hidden": ((4, -1),),
    },
}
WRONG = [
    (room, name, value)
    for room, settings in HARMFUL.items()
    for name, values in settings.items()
    for value in values
]


@pytest.mark.parametrize(("room", "name", "value"), WRONG)
def test_a_harmful_setting_is_refused_by_its_full_name_with_what_was_found(room, name, value):
    with pytest.raises(ConfigError) as caught:
        CONFIGS[room](**{name: value})

    (problem,) = caught.value.problems
    assert problem.where == f"{room}.{name}"
    assert problem.found in (str(value), f"'{value}'")
    assert problem.allowed
    assert problem.fix.startswith("take ")


def test_every_setting_that_is_out_of_range_is_told_at_once():
    with pytest.raises(ConfigError) as caught:
        check("net", NetConfig(), {"above 0": ("log_std",), "at least 1": ("memory_steps",)})

    assert [str(problem) for problem in caught.value.problems] == [
        "net.log_std: 0.0; allowed: above 0; fix: take 0.0, as is usual",
        "net.memory_steps: 0; allowed: at least 1; fix: take 0, as is usual",
    ]


def test_a_gradient_may_be_left_as_it_is_and_a_limit_left_out():
    assert CONFIGS["ppo"](gradient_clip=inf, target_kl=None).gradient_clip == inf


def test_a_refused_setting_says_what_it_is_what_may_be_and_what_is_usual():
    with pytest.raises(ConfigError, match=r"es\.sigma: -1; allowed: above 0; fix: take 0\.02, as"):
        require("es.sigma", -1, "above 0", ok=False, usual="0.02")


def test_an_allowed_setting_passes():
    require("es.sigma", 1, "above 0", ok=True, usual="0.02")
