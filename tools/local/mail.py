"""A mail server that delivers nothing: each message that the shop sends lies as a file under home, to be read."""

import sys

from tools.local.backend import Backend
from tools.local.home import Home
from tools.local.ports import answers


def mail(home: Home, *, port: int) -> Backend:
    return Backend(
        name="mail",
        command=[
            *(sys.executable, "-W", "ignore", "-m", "aiosmtpd", "-n"),
            *("-c", "aiosmtpd.handlers.Mailbox", "-l", f"127.0.0.1:{port}", str(home.mail)),
        ],
        log=home.logs / "mail.log",
        is_ready=lambda: answers(port),
        details={"host": "127.0.0.1", "port": port, "directory": str(home.mail)},
    )
