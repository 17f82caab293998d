# SPDX-License-Identifier: MIT
import pytest

from tests.releases.made import Maker


@pytest.fixture
def maker(tmp_path):
    return Maker(tmp_path)


@pytest.fixture(scope="module")
def packed(tmp_path_factory):
    """Return a maker with one release, and its digest; tests leave both as they are."""
    maker = Maker(tmp_path_factory.mktemp("packed"))
    return maker, maker.packed()
