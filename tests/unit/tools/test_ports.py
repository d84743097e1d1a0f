"""Two shops that are started in the same moment by different processes take different ports."""

import subprocess
import sys
from collections import Counter

from tools.local.home import PROJECT
from tools.local.ports import BACKEND_PORTS, OFFSETS, find_free_offset, find_free_port, shift
from tools.local.run_file import read_run_file

OFFSET = "find_free_offset({'gateway': 8080})"
PORT = "find_free_port()"


def given_to_two_others(question: str) -> list[int]:
    ask = f"from tools.local.ports import find_free_offset, find_free_port; print({question}, flush=True); input()"
    command = [sys.executable, "-c", ask]
    with (
        subprocess.Popen(command, cwd=PROJECT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as one,
        subprocess.Popen(command, cwd=PROJECT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other,
    ):
        assert one.stdout is not None
        assert other.stdout is not None
        theirs = [int(one.stdout.readline()), int(other.stdout.readline())]
        for process in (one, other):
            process.communicate("\n", timeout=20)
    return theirs


def test_no_other_process_is_given_an_offset_before_its_ports_are_taken() -> None:
    ours = find_free_offset({"gateway": 8080})
    assert len({ours, *given_to_two_others(OFFSET)}) == 3
    assert find_free_offset({"gateway": 8080}) == ours


def test_no_other_process_is_given_a_port_before_it_is_taken() -> None:
    ours = find_free_port()
    assert len({ours, *given_to_two_others(PORT)}) == 3
    assert find_free_port(after=ours) > ours


def test_no_port_of_a_shop_is_one_of_a_shop_that_is_moved_otherwise() -> None:
    ports = [*BACKEND_PORTS.values(), *read_run_file(PROJECT / "dapr.yaml").named_ports.values()]
    taken = Counter(shift(port, offset) for offset in (0, *OFFSETS) for port in ports)
    assert [port for port, times in taken.items() if times > 1] == []
