"""Two shops that are started in the same moment by different processes take different ports."""

import subprocess
import sys

from tools.local.home import PROJECT
from tools.local.ports import find_free_offset

ASK = "from tools.local.ports import find_free_offset; print(find_free_offset({'gateway': 8080}), flush=True); input()"


def test_no_other_process_is_given_an_offset_before_its_ports_are_taken() -> None:
    ours = find_free_offset({"gateway": 8080})
    command = [sys.executable, "-c", ASK]
    with (
        subprocess.Popen(command, cwd=PROJECT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as one,
        subprocess.Popen(command, cwd=PROJECT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other,
    ):
        assert one.stdout is not None
        assert other.stdout is not None
        theirs = [int(one.stdout.readline()), int(other.stdout.readline())]
        for process in (one, other):
            process.communicate("\n", timeout=20)
    assert len({ours, *theirs}) == 3
    assert find_free_offset({"gateway": 8080}) == ours
