# SPDX-License-Identifier: MIT
"""Put a release into a vault and be killed at the n-th touch of the disk, for n = 1, 1 + step, ...

``python killed_put.py <folder of a release> <vault> <step>`` writes how often it was killed, once a
put has come to its end. After every kill the vault holds all of the release or nothing.
"""

import os
import signal
import sys
from pathlib import Path

from flyball.releases.vault import Vault, read

TOUCHES = ("open", "os.rename", "os.mkdir", "os.chmod", "shutil.rmtree")


def put(vault, files, last):
    """Put, and be killed at touch number `last`."""
    seen = 0

    def count(event, _):
        nonlocal seen
        if event in TOUCHES:
            seen += 1
            if seen == last:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(count)
    vault.put(files)


def main():
    contents, vault = read(Path(sys.argv[1])), Vault(Path(sys.argv[2]))
    step, kills = int(sys.argv[3]), 0
    while True:
        child = os.fork()
        if child == 0:
            put(vault, contents.files, 1 + step * kills)
            os._exit(0)
        _, status = os.waitpid(child, 0)
        found = list(vault.digests())
        if found:
            assert vault.get(found[0]).files == contents.files
        if os.WIFEXITED(status):
            assert found == [contents.digest]
            break
        kills += 1
        if found:
            # The kill came behind the rename: begin again with an empty vault.
            vault.path(found[0]).rename(vault.root / f"away-{kills}")
    sys.stdout.write(f"{kills} {vault.sweep()}")
    assert not list((vault.root / "half").iterdir())


if __name__ == "__main__":
    main()
