# SPDX-License-Identifier: MIT
"""Releases of policies that push the same whatever they see, for the small plant."""

import numpy as np
from onnx import TensorProto, helper, numpy_helper

from flyball import releases
from flyball.policies import save_bundle
from tests.serving.stand import SPEC

ANN = releases.Person("ann", releases.Role.ENGINEER)
BOB = releases.Person("bob", releases.Role.APPROVER)


def graph(push):
    """Return a graph whose value is `push` and whose mean goes with it."""
    numbers = {"zero": np.zeros((1, 1), np.float32), "push": np.full(1, push, np.float32)}
    nodes = [
        helper.make_node("MatMul", ["obs", "zero"], ["flat"]),
        helper.make_node("Add", ["flat", "push"], ["mean"]),
        helper.make_node("Identity", ["flat"], ["log_std"]),
        helper.make_node("Cast", ["mean"], ["value"], to=TensorProto.DOUBLE),
    ]
    kinds = {"mean": TensorProto.FLOAT, "log_std": TensorProto.FLOAT, "value": TensorProto.DOUBLE}
    made = helper.make_graph(
        nodes,
        "push",
        [helper.make_tensor_value_info("obs", TensorProto.FLOAT, ["rows", 1])],
        [helper.make_tensor_value_info(name, kind, ["rows", 1]) for name, kind in kinds.items()],
        [numpy_helper.from_array(array, name) for name, array in numbers.items()],
    )
    opset = [helper.make_opsetid("", 20)]
    return helper.make_model(made, opset_imports=opset, ir_version=10).SerializeToString()


def released(station, push, folder):
    """Release a policy at a station and return its digest."""
    trust = station.settings.folder / "trust"
    key = folder / "key.pem"
    if not key.exists():
        releases.signing.make_key(key)
        (folder / "key.pub.pem").rename(trust / "key.pub.pem")
    save_bundle(
        folder / f"bundle {push}",
        SPEC,
        graph=graph(push),
        weights={"push": np.array([push])},
        algorithm="none",
        settings={},
        facts={},
    )
    about = releases.About(purpose=f"pushes {push}", spec=SPEC)
    signer = releases.signing.Signer(key)
    digest = releases.pack(folder / f"bundle {push}", station.vault, signer, about)
    expected = releases.Expected(spec=SPEC)
    admitted = releases.admit(digest, station.vault, releases.signing.Trust.read(trust), expected)
    station.registry.add(admitted.manifest, signer=admitted.signer, by=ANN)
    return digest


def stage(station, deed, by=ANN, **parts):
    """Give a command and bring the field up to it."""
    command = releases.staging.Command(deed=deed, why="test", **parts)
    after = station.registry.stage(station.site.name, command, by)
    station.field.refresh()
    return after
