# SPDX-License-Identifier: MIT
import errno
import os

import numpy as np
import pytest

from flyball.core.errors import RunError
from flyball.learning.experience.ring import Ring

RECORD = np.dtype([("time", "i8"), ("row", "i8")])


def ring_in(folder, n_slots=8):
    return Ring(RECORD, 2, n_slots, folder)  # 8 slots and a slack of 2


def write(ring, n_slots):
    for _ in range(n_slots):
        first = ring.claim()
        ring.rows[first : first + 2] = [(ring.count, 0), (ring.count, 1)]
        ring.count += 1


def newest(ring):
    """Return the times that the ring holds for reading, oldest first."""
    times = range(max(0, ring.count - ring.n_slots), ring.count)
    rows = [ring.rows[t % ring.length * 2 : t % ring.length * 2 + 2] for t in times]
    assert all(row["row"].tolist() == [0, 1] for row in rows)
    return [int(row["time"][0]) for row in rows]


@pytest.mark.parametrize("after", [0, 1, 2, 3, 7, 8, 11, 40])
@pytest.mark.parametrize("before", [3, 8, 13])
def test_a_file_goes_back_to_a_checkpoint_however_much_was_written_after_it(
    tmp_path, before, after
):
    ring, again = ring_in(tmp_path), ring_in(tmp_path)
    write(ring, before)
    arrays = ring.state("r.")
    write(ring, after)

    again.restore(arrays, "r.")

    assert newest(again) == list(range(max(0, before - 8), before))


@pytest.mark.parametrize("interval", [1, 2, 5, 12])
def test_the_checkpoint_before_the_last_can_be_gone_back_to_as_well(tmp_path, interval):
    ring = ring_in(tmp_path)
    states = []
    for _ in range(6):
        write(ring, interval)
        states.append((ring.count, ring.state("r.")))
    write(ring, interval)

    for count, arrays in (states[-1], states[-2]):
        again = ring_in(tmp_path)
        again.restore(arrays, "r.")

        assert newest(again) == list(range(max(0, count - 8), count))


def test_saving_twice_at_one_time_keeps_the_checkpoint_before_protected(tmp_path):
    ring = ring_in(tmp_path)
    write(ring, 8)
    before = ring.state("r.")
    write(ring, 1)
    for _ in range(2):  # one that was due, and the closing one
        ring.state("r.")
    write(ring, 5)

    again = ring_in(tmp_path)
    again.restore(before, "r.")

    assert newest(again) == list(range(8))


def test_going_on_from_a_checkpoint_protects_it_again(tmp_path):
    ring = ring_in(tmp_path)
    write(ring, 9)
    arrays = ring.state("r.")
    for _ in range(3):
        again = ring_in(tmp_path)
        again.restore(arrays, "r.")
        assert newest(again) == list(range(1, 9))
        write(again, 6)


def test_files_that_no_checkpoint_needs_are_removed(tmp_path):
    ring = ring_in(tmp_path)
    for _ in range(5):
        write(ring, 7)
        ring.state("r.")

    assert len(list(tmp_path.glob("replay-*.bin"))) <= 3


def test_a_checkpoint_of_a_file_holds_no_records(tmp_path):
    ring = ring_in(tmp_path, 1000)
    write(ring, 1000)

    assert sum(array.nbytes for array in ring.state("r.").values()) < 100


def test_memory_goes_back_to_a_checkpoint():
    ring, again = ring_in(None), ring_in(None)
    write(ring, 11)
    arrays = ring.state("r.")
    write(ring, 3)

    again.restore(arrays, "r.")

    assert newest(again) == list(range(3, 11))


def test_a_lost_file_is_named(tmp_path):
    ring = ring_in(tmp_path)
    write(ring, 3)
    arrays = ring.state("r.")
    (tmp_path / "replay-0.bin").unlink()

    with pytest.raises(RunError, match=r"replay-0\.bin: no replay"):
        ring_in(tmp_path).restore(arrays, "r.")


def test_a_file_of_other_settings_is_refused(tmp_path):
    ring = ring_in(tmp_path)
    write(ring, 3)

    with pytest.raises(RunError, match=r"320 bytes of replay; allowed: .*, 960 bytes"):
        ring_in(tmp_path, 24).restore(ring.state("r."), "r.")


@pytest.mark.parametrize("written", [5, 20])
def test_memory_of_other_settings_is_refused(written):
    ring = ring_in(None)
    write(ring, written)

    with pytest.raises(RunError, match=r"the checkpoint: .* bytes of replay"):
        Ring(RECORD, 3, 8).restore(ring.state("r."), "r.")
    if written > 8:
        with pytest.raises(RunError, match=r"the checkpoint: .* bytes of replay"):
            ring_in(None, 12).restore(ring.state("r."), "r.")


def test_a_replay_does_not_move_between_memory_and_file(tmp_path):
    memory, file = ring_in(None), ring_in(tmp_path)
    write(memory, 5)
    write(file, 5)

    with pytest.raises(RunError, match="the checkpoint: no replay"):
        ring_in(None).restore(file.state("r."), "r.")
    with pytest.raises(RunError, match="the checkpoint: no replay"):
        ring_in(tmp_path).restore(memory.state("r."), "r.")


def test_a_full_disk_is_told_before_the_first_step(tmp_path, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "posix_fallocate", full)

    ring = ring_in(tmp_path)

    with pytest.raises(RunError, match=r"no room for .* MB \(No space left on device\)"):
        write(ring, 1)
