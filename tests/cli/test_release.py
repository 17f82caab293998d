# SPDX-License-Identifier: MIT
"""`flyball release`: from a run's folder to a signed release in shadow beside a plant."""

import json

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper
from typer.testing import CliRunner

from flyball import releases
from flyball.cli.app import app
from flyball.core.clock import SystemClock
from flyball.policies import save_bundle
from flyball.worlds import classics

RUN = CliRunner()
PLANT = "inverted-pendulum"
SPEC = classics.scenario(PLANT).spec


def graph(spec, push=0.0):
    """Return a graph that always pushes the same, for the observations of a plant."""
    width = len(spec.kinds[0].features)
    constants = {"zero": np.zeros((width, 1), np.float32), "push": np.full(1, push, np.float32)}
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
        [helper.make_tensor_value_info("obs", TensorProto.FLOAT, ["rows", width])],
        [helper.make_tensor_value_info(name, kind, ["rows", 1]) for name, kind in kinds.items()],
        [numpy_helper.from_array(array, name) for name, array in constants.items()],
    )
    opset = [helper.make_opsetid("", 20)]
    return helper.make_model(made, opset_imports=opset, ir_version=10).SerializeToString()


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Return where a run lies that has ended."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "run").mkdir()
    save_bundle(
        tmp_path / "run" / "bundle", SPEC, graph=graph(SPEC), weights={"push": np.zeros(1)},
        algorithm="none", settings={}, facts={},
    )  # fmt: skip
    (tmp_path / "run" / "evaluation.json").write_text(json.dumps({"verdict": "better"}))
    return tmp_path


def release(*words, run="run", plant=PLANT):
    return RUN.invoke(app, ["release", run, "--plant", f"classics/{plant}", *words])


def registry(folder):
    return releases.Registry.open(folder / "serving" / "registry.db", SystemClock())


def test_a_run_becomes_a_signed_release_in_shadow(folder):
    found = release("--purpose", "keeps it upright")

    assert found.exit_code == 0, found.output
    own = registry(folder)
    staging, (entry,) = own.staging(PLANT), own.releases().entries
    manifest = own.manifest(entry.digest)
    own.close()
    assert (str(staging.stage), staging.control) == ("shadow", "rule:regulator")
    assert staging.challengers == (entry.digest,)
    assert entry.digest[:12] in found.stdout
    assert b"keeps it upright" in manifest
    assert b"better" in manifest


def test_the_private_key_stays_where_it_was_made_and_the_server_gets_its_public_half(folder):
    release("--no-begin")

    assert (folder / "key.pem").stat().st_mode & 0o077 == 0
    assert [path.name for path in (folder / "serving" / "trust").iterdir()] == ["key.pub.pem"]
    assert not (folder / "key.pub.pem").exists()


def test_without_a_beginning_nothing_is_compared(folder):
    assert release("--no-begin").exit_code == 0

    own = registry(folder)
    staging = own.staging(PLANT)
    own.close()
    assert (str(staging.stage), staging.challengers) == ("none", ())


def test_a_key_that_the_server_does_not_trust_releases_nothing(folder):
    releases.signing.make_key(folder / "other.pem")

    found = release("--key", "other.pem")

    assert found.exit_code == 2
    assert not (folder / "serving" / "registry.db").exists()


def test_a_policy_of_another_plant_is_refused_before_the_registry_hears_of_it(folder):
    found = release(plant="two-tanks")

    assert found.exit_code == 2
    assert "found:" in found.stderr
    assert not (folder / "serving" / "registry.db").exists()


def test_a_folder_without_a_policy_is_told_what_to_do(folder):
    found = release(run="nowhere")

    assert found.exit_code == 2
    assert "no policy in it" in found.stderr
    assert "flyball train" in found.stderr
    assert not (folder / "key.pem").exists()
