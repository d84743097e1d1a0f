"""Stand-ins for Dapr's programs, for Go, and for the server of the releases, so that `tools.dapr` is tried in seconds."""

import contextlib
import hashlib
import io
import tarfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from tools.dapr.binaries import CLI_PROGRAM, PROGRAMS
from tools.dapr.pins import Pins, Versions
from tools.obtain.host import Host
from tools.obtain.limits import Limits

RELEASE = Versions(runtime="1.18.1", cli="1.16.5")
BUILD = Versions(runtime="1.18.2", cli="1.16.5")
PAUSE_SECONDS = 0.5
QUICK = Limits(
    connect_seconds=0.3,
    stall_seconds=0.8,
    download_seconds=2,
    build_seconds=2,
    lock_seconds=2,
    report_seconds=0.2,
    cold_free_gib=0,
    warm_free_gib=0,
)


def fake_program(name: str, version: str) -> str:
    """Answers as the real one does: only daprd and the CLI know `--version`."""
    answers = {
        "daprd": f"echo {version}",
        CLI_PROGRAM: f"echo 'CLI version: {version} '; echo 'Runtime version: n/a'",
    }
    answer = answers.get(name, "echo 'unknown flag: --version'; exit 2")
    return f"""#!/bin/sh
case "$1" in
--version) {answer} ;;
--help) echo 'Usage of {name}:'; echo '      --healthz-port int'; exit 2 ;;
esac
"""


def write_program(directory: Path, name: str, text: str) -> Path:
    directory.mkdir(parents=True, exist_ok=True)
    program = directory / name
    program.write_text(text, encoding="utf-8")
    program.chmod(0o755)
    return program


def install_programs(directory: Path, versions: Versions) -> None:
    for name in PROGRAMS:
        write_program(directory, name, fake_program(name, versions.of(name)))


def write_go(directory: Path, *, products: Path, version: str = "1.26.5", before_build: str = "") -> Path:
    """A `go` that copies `products` where `go build -o` wants them, and notes its calls in `calls`."""
    install_programs(products, BUILD)
    (products / CLI_PROGRAM).rename(products / "cli")
    return write_program(
        directory,
        "go",
        f"""#!/bin/sh
echo "$*" >>"{directory}/calls"
if [ "$1 $2" = "env GOVERSION" ]; then echo go{version}; exit; fi
if [ "$1" = env ]; then echo "{{\\"$3\\": \\"$HOME/go-cache\\"}}"; exit; fi
{before_build}
for word; do
    case "$word" in github.com/*) cp "{products}/${{word##*/}}" "$out" ;; esac
    [ "$previous" = -o ] && out="$word"
    previous="$word"
done
""",
    )


def host(root: Path, **environment: str) -> Host:
    """With a home and a cache below `root`, and of the user's PATH nothing but the shell's own programs."""
    (root / "home").mkdir(exist_ok=True)
    defaults = {"HOME": str(root / "home"), "PATH": "/usr/bin:/bin", "PLAZA_CACHE_DIR": str(root / "cache")}
    return Host(system="linux", architecture="amd64", environment=defaults | environment)


@dataclass
class Releases:
    """What the server holds, by path; `broken` answers some paths in another way."""

    url: str
    files: dict[str, bytes] = field(default_factory=dict)
    broken: dict[str, str] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    def publish(self, pins_of: Versions, host_name: str) -> Pins:
        """Fills the server with good archives and gives pins that fit them."""
        pins = Pins(
            minimum=Versions(runtime="1.18.0", cli="1.16.0"),
            build=BUILD,
            release=pins_of,
            release_url=self.url,
            sha256={},
        )
        for name in PROGRAMS:
            path = pins.archive(name, host_name)
            self.files[path] = archive({name: fake_program(name, pins_of.of(name))})
            pins.sha256[path] = sha256(self.files[path])
        return pins


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def archive(members: dict[str, str]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        for name, text in members.items():
            data = text.encode()
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(data), 0o644
            tar.addfile(entry, io.BytesIO(data))
    return buffer.getvalue()


@contextlib.contextmanager
def releases() -> Iterator[Releases]:
    stop = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            path = self.path.lstrip("/")
            served.asked.append(path)
            manner, body = served.broken.get(path, ""), served.files.get(path)
            if manner == "silent":
                stop.wait(10)
                return
            if body is None:
                self.send_error(404)
                return
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            with contextlib.suppress(OSError):  # the client gives up, which is what is tried
                self._send(body, manner)

        def _send(self, body: bytes, manner: str) -> None:
            if manner == "broken off":
                self.wfile.write(body[:-10])
            elif manner == "stall":
                self.wfile.write(body[:10])
                stop.wait(10)
            elif manner == "trickle":
                for byte in body:
                    self.wfile.write(bytes([byte]))
                    if stop.wait(0.1):
                        return
            else:
                if manner == "pause":
                    stop.wait(PAUSE_SECONDS)
                self.wfile.write(body)

        def log_message(self, *_: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    served = Releases(url=f"http://127.0.0.1:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield served
    finally:
        stop.set()
        server.shutdown()
        server.server_close()
        thread.join()


def wait_until(condition: Callable[[], bool], *, seconds: float) -> bool:
    """Polls, because what it waits for happens in another process."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.02)
    return False
