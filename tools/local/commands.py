"""What each command of `python -m tools.local` does, from the first line on the console to the last."""

import os
import signal
import time
from collections.abc import Sequence

from tools.local.api import Api
from tools.local.backends import dapr_binaries, start_backends, stop_backends
from tools.local.demo import seed_catalogue
from tools.local.doctor import examine, written
from tools.local.environment import base_environment, link_logs
from tools.local.errors import LocalError
from tools.local.former import remember
from tools.local.home import PROJECT, Home
from tools.local.ports import BackendPorts, port_from_environment
from tools.local.processes import ProcessTable
from tools.local.run_file import fitting_run_file, read_run_file
from tools.local.secret_file import first_admin
from tools.local.shop import Shop
from tools.local.shopper import place_demo_order
from tools.local.stopping import delete_home, stop_everything


class Console:
    """Prints progress; safe to call from several threads, since a line is one write."""

    def __init__(self) -> None:
        self._began = time.monotonic()

    def __call__(self, text: str) -> None:
        print(f"{time.monotonic() - self._began:6.1f} s  {text}\n", end="", flush=True)


def run(home: Home, words: Sequence[str]) -> None:
    """Serves the whole shop until it is interrupted; then nothing of it is left but its data."""
    console = Console()
    shop = Shop(
        home,
        progress=console,
        port_offset=port_from_environment("PLAZA_PORT_OFFSET") or 0,
        gateway_port=port_from_environment("PLAZA_PORT"),
        self_healing=True,
        words=words,
    )
    with shop:
        console(f"the shop is ready at {shop.gateway_url}")
        try:
            _show_demo(shop, console)
            print(_where_things_are(shop), flush=True)
            while True:
                signal.pause()
        except KeyboardInterrupt:
            console("stopping")
    console("stopped")


def backends(home: Home, words: Sequence[str]) -> None:
    """Starts the back ends and leaves them running for a hand-typed `dapr run -f .`."""
    console = Console()
    home.create()
    with home.locked():
        table = ProcessTable(home.root)
        offset = port_from_environment("PLAZA_PORT_OFFSET") or 0
        gateway_port = port_from_environment("PLAZA_PORT")
        run_file = fitting_run_file(
            PROJECT / "dapr.yaml", home, port_offset=offset, gateway_port=gateway_port, words=words
        )
        try:
            binaries = dapr_binaries(console)
            start_backends(
                home,
                binaries,
                BackendPorts(offset),
                stack=run_file.stack,
                table=table,
                base=base_environment(),
                progress=console,
            )
            remember(home, run_file.stack.brokers)
            link_logs(home, run_file.path.parent)
        except BaseException:
            stop_backends(table)
            raise
    directory = "." if run_file.path.parent == PROJECT else str(run_file.path.parent)
    shown = ".plaza/env" if home.is_default else str(home.env)
    print(f"\nThe back ends run. Now:   . {shown} && dapr run -f {directory}\nThey end with:            make stop")


def doctor(home: Home, words: Sequence[str]) -> None:
    """Says what a start would find. Raises: LocalError when something is wrong."""
    offset = port_from_environment("PLAZA_PORT_OFFSET") or 0
    source = PROJECT / "dapr.yaml"
    if home.run_json.exists():  # a shop that runs has its files, which must stay as they are
        derived = home.dapr / source.name
        run_file = read_run_file(derived if derived.exists() else source)
    else:
        gateway_port = port_from_environment("PLAZA_PORT")
        run_file = fitting_run_file(source, home, port_offset=offset, gateway_port=gateway_port, words=words)
    checks = list(examine(home, run_file, BackendPorts(offset)))
    print(written(checks))
    if wrong := sum(bool(check.wrong) for check in checks):
        raise LocalError(f"{wrong} of {len(checks)} checks found something wrong.")


def stop(home: Home, _words: Sequence[str] = ()) -> None:
    """Ends every process of this home, also what a killed `make run` left behind."""
    ended = stop_everything(home) if home.run.is_dir() else 0
    print(f"Stopped {ended} processes of {home.root}." if ended else f"Nothing runs in {home.root}.")


def reset(home: Home, _words: Sequence[str] = ()) -> None:
    """Ends the shop and deletes all that it knows."""
    stop(home)
    delete_home(home)
    print(f"Deleted {home.root}.")


def _show_demo(shop: Shop, console: Console) -> None:
    """A demo that fails is told, and the shop serves on: whoever looks for the reason needs it running."""
    try:
        api = Api(shop.gateway_url)
        seed_catalogue(
            shop.home, api, state="-".join(sorted(shop.stack.states)), admin=first_admin(shop.secrets), progress=console
        )
        place_demo_order(api, progress=console)
    except LocalError as error:
        console(f"the demo did not end well: {error}")


def _where_things_are(shop: Shop) -> str:
    admin = first_admin(shop.secrets)
    endpoint = os.environ.get("OTEL_EXPORTER_OTLP_ENDPOINT")
    rows = {
        "API": shop.gateway_url,
        "stack": str(shop.stack),
        "docs page": f"{shop.gateway_url}/docs",
        "admin": f"{admin['email']}  {admin['password']}",
        "mail": f"{shop.home.mail}/new",
        "logs": f"{shop.home.logs}  (orders.log, orders.daprd.log, …)",
        "traces": f"sent to {endpoint}" if endpoint else "set OTEL_EXPORTER_OTLP_ENDPOINT=http://… and run again",
        "processes": str(shop.home.run_json),
    }
    return "\n" + "".join(f"  {name:<10} {text}\n" for name, text in rows.items()) + "\nCtrl-C stops all of it."
