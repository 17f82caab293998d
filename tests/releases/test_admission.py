# SPDX-License-Identifier: MIT
"""What may act for a plant: only what is signed, whole, fitting and as it was recorded."""

import base64
import json
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flyball.releases.admission import Expected, admit
from flyball.releases.manifest import (
    EVALUATION,
    FILES,
    GRAPH,
    LIMITS,
    MANIFEST,
    PARITY,
    POLICY,
    SIGNATURE,
    WEIGHTS,
)
from flyball.releases.refusals import MissingError, ReleaseError
from flyball.releases.signing import Signer, Trust, make_key
from flyball.releases.vault import Vault
from tests.policies.graphs import masked_graph
from tests.policies.seen import act, rows
from tests.releases.made import spec
from tests.releases.test_graph import domain, edited, elsewhere, loop

EXPECTED = Expected(spec=spec())


@pytest.fixture
def folder(packed, tmp_path):
    """Return a folder that a release's files are written to."""
    maker, digest = packed

    def written(**changes):
        content = {name.replace("_", "."): own for name, own in changes.items()}
        files = maker.forged(maker.vault.get(digest).files, **content)
        folder = tmp_path / "release"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        for name, own in files.items():
            (folder / name).write_bytes(own)
        return folder

    return written


def refused(packed, source, trust=None, expected=EXPECTED, vault=None):
    maker, _ = packed
    with pytest.raises(ReleaseError) as error:
        admit(source, vault or maker.vault, trust or maker.trust, expected)
    return str(error.value)


def test_a_release_that_is_right_acts(packed):
    maker, digest = packed

    admitted = admit(digest, maker.vault, maker.trust, EXPECTED)

    assert admitted.digest == digest
    assert admitted.signer == maker.signer.key_id
    assert [limit.name for limit in admitted.limits] == ["rail"]
    obs = np.random.default_rng(0).normal(size=(9, 1, 3))
    choice, _ = act(admitted.policy, rows(obs, np.ones((9, 1, 3), np.bool_)))
    np.testing.assert_array_equal(choice, obs[:, 0].argmax(1))


def test_a_folder_is_kept_in_the_vault_once_it_is_admitted(packed, tmp_path):
    maker, digest = packed
    vault = Vault(tmp_path / "other")
    copy = shutil.copytree(maker.vault.path(digest), tmp_path / "copy")

    refused(packed, copy, trust=Trust(), vault=vault)
    assert list(vault.digests()) == []

    assert admit(copy, vault, maker.trust, EXPECTED).digest == digest
    assert list(vault.digests()) == [digest]


def test_everything_that_is_wrong_is_told_at_once(packed, folder):
    source = folder(
        policy_onnx=edited(domain), limits_toml=b"[[limits]]\nname = 3\n", weights_safetensors=b""
    )

    said = refused(packed, source, trust=Trust(), expected=Expected(spec=spec("ft")))

    for words in (
        "signed by the unknown key",
        "features[0][1]: m; allowed: ft",
        "policy.onnx node 1: operators of 'com.evil'",
        "limits.toml: [[limits]] 1 kind: nothing",
    ):
        assert words in said


@pytest.mark.parametrize("change", [elsewhere, loop])
def test_a_graph_with_more_in_it_is_never_run(packed, folder, change, monkeypatch):
    monkeypatch.setattr("flyball.releases.admission.ask", None)

    assert "policy.onnx" in refused(packed, folder(policy_onnx=edited(change)))


def test_another_graph_than_the_recorded_one_is_refused(packed, folder):
    def upside_down(made):
        made.graph.node[0].op_type = "Where"
        made.graph.node[0].input[1] = "less"
        node = made.graph.node.add()
        node.op_type, node.input[:], node.output[:] = "Neg", ["obs"], ["less"]
        nodes = list(made.graph.node)
        del made.graph.node[:]
        made.graph.node.extend([nodes[1], nodes[0]])

    policy = edited(upside_down)

    assert "output 'logits': differs by" in refused(packed, folder(policy_onnx=policy))


def test_answers_that_were_recorded_wrongly_are_refused(packed, folder):
    maker, digest = packed
    recorded = json.loads(maker.vault.get(digest).files[PARITY])

    for change, words in (
        ({"inputs": "x"}, "other made-up observations"),
        ({"rows": 0}, "0 rows; allowed: 1 to"),
        ({"rows": "many"}, "no recorded answers"),
        ({"outputs": 3}, "no recorded answers"),
    ):
        source = folder(parity_json=json.dumps(recorded | change).encode())
        assert words in refused(packed, source)


def test_weights_that_are_no_weights_are_refused(packed, folder):
    assert "cannot be run" in refused(packed, folder(weights_safetensors=b"\x80\x04K."))


def test_a_policy_whose_own_manifest_differs_is_refused(packed, folder):
    maker, digest = packed
    own = json.loads(maker.vault.get(digest).files[POLICY])
    content = json.dumps(own | {"files": {GRAPH: "0" * 64, WEIGHTS: "0" * 64}}).encode()

    said = refused(packed, folder(policy_json=content))

    assert said.startswith("release ")
    assert "policy.onnx: hash" in said
    assert "flyball-" not in said  # the folder that it was loaded from


def test_a_signature_of_somebody_else_is_refused(packed, tmp_path):
    maker, digest = packed
    make_key(tmp_path / "eve.pem")
    eve = Signer(tmp_path / "eve.pem")
    copy = shutil.copytree(maker.vault.path(digest), tmp_path / "copy")
    signature = json.loads((copy / SIGNATURE).read_text())
    (copy / SIGNATURE).unlink()
    # Eve signs, and says that Ann did.
    signature["signature"] = base64.b64encode(eve.sign((copy / MANIFEST).read_bytes())).decode()
    text = json.dumps(signature, separators=(",", ":"), sort_keys=True)
    (copy / SIGNATURE).write_text(text)

    assert f"a signature that key {maker.signer.key_id} did not make" in refused(packed, copy)


def test_what_is_not_there_is_missing(packed):
    maker, _ = packed
    with pytest.raises(MissingError):
        admit("a" * 64, maker.vault, maker.trust, EXPECTED)


def test_a_plant_with_other_signals_refuses(packed):
    _, digest = packed
    other = Expected(spec=replace(spec(), signals=()))

    assert "interface.signals: 1 entries; allowed: 0 entries" in refused(
        packed, digest, expected=other
    )


@given(name=st.sampled_from(sorted(FILES)), at=st.integers(0, 10**6), bit=st.integers(0, 7))
def test_one_changed_bit_anywhere_is_refused(packed, name, at, bit):
    maker, digest = packed
    files = dict(maker.vault.get(digest).files)
    content = bytearray(files[name])
    content[at % len(content)] ^= 1 << bit

    with TemporaryDirectory() as folder:
        for own, old in files.items():
            Path(folder, own).write_bytes(bytes(content) if own == name else old)
        with pytest.raises(ReleaseError):
            admit(Path(folder), maker.vault, maker.trust, EXPECTED)


NEVER = """
import sys
def watch(event, arguments):
    if event == "pickle.find_class":
        raise RuntimeError(f"unpickled {arguments}")
import flyball.releases as releases
from flyball.releases import admission, packing, vault, signing, trying, graph
from pathlib import Path
sys.addaudithook(watch)
found = vault.Vault(Path(sys.argv[1])).get(sys.argv[2])
from tests.releases.made import spec
wrong = {"torch", "joblib", "cloudpickle", "dill"} & set(sys.modules)
assert not wrong, wrong
trust = signing.Trust.read(Path(sys.argv[1]).parent)
admission.admit(sys.argv[2], vault.Vault(Path(sys.argv[1])), trust, admission.Expected(spec=spec()))
wrong = {"torch", "joblib", "cloudpickle", "dill"} & set(sys.modules)
assert not wrong, wrong
"""


def test_nothing_is_unpickled_and_no_training_code_is_imported(packed):
    maker, digest = packed
    command = [sys.executable, "-W", "error", "-c", NEVER, str(maker.vault.root), digest]

    ended = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603

    assert ended.returncode == 0, ended.stderr[-2000:]


def test_evaluation_and_graph_are_part_of_what_was_signed(packed, tmp_path):
    maker, digest = packed
    for name, content in ((EVALUATION, b"{}"), (GRAPH, masked_graph(3) + b" "), (LIMITS, b"")):
        copy = shutil.copytree(maker.vault.path(digest), tmp_path / name)
        (copy / name).unlink()
        (copy / name).write_bytes(content)
        assert f"{name}: " in refused(packed, copy)
