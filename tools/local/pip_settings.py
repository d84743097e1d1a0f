"""Carries a machine's pip settings over to uv, which reads none of them: mirrors, certificates and proxies go on working.

Run by the system's Python before there is a virtual environment, so it needs the standard library alone. Prints shell
exports for `eval`; what the user set for uv is left as it is.
"""

import configparser
import os
import shlex
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

UV_NAMES = {
    "index-url": "UV_DEFAULT_INDEX",
    "extra-index-url": "UV_INDEX",
    "find-links": "UV_FIND_LINKS",
    "trusted-host": "UV_INSECURE_HOST",
    "cert": "SSL_CERT_FILE",
    "timeout": "UV_HTTP_TIMEOUT",
    "default-timeout": "UV_HTTP_TIMEOUT",
    "proxy": "ALL_PROXY",
}
OLD_UV_NAMES = {"UV_DEFAULT_INDEX": "UV_INDEX_URL", "UV_INDEX": "UV_EXTRA_INDEX_URL"}
SYSTEM_CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")


def configuration_files(environment: Mapping[str, str]) -> Iterator[Path]:
    """pip's own order, the last one wins: the machine's, the user's, the environment's, and the one that is named."""
    home = Path(environment.get("HOME", "/nonexistent"))
    yield from (Path(root) / "pip" / "pip.conf" for root in environment.get("XDG_CONFIG_DIRS", "/etc/xdg").split(":"))
    yield Path("/etc/pip.conf")
    yield home / ".pip" / "pip.conf"
    yield Path(environment.get("XDG_CONFIG_HOME") or home / ".config") / "pip" / "pip.conf"
    yield Path(sys.prefix) / "pip.conf"
    if named := environment.get("PIP_CONFIG_FILE"):
        yield Path(named)


def pip_settings(environment: Mapping[str, str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for file in configuration_files(environment):
        parser = configparser.RawConfigParser()
        try:
            parser.read(file)
        except (configparser.Error, UnicodeDecodeError):
            continue
        for section in ("global", "install"):
            if parser.has_section(section):
                found.update(parser.items(section))
    for name, value in environment.items():
        if name.startswith("PIP_"):
            found[name.removeprefix("PIP_").lower().replace("_", "-")] = value
    return found


def uv_settings(environment: Mapping[str, str]) -> dict[str, str]:
    """What to export so that uv behaves as pip does here."""
    wanted = {
        UV_NAMES[name]: " ".join(value.split()) for name, value in pip_settings(environment).items() if name in UV_NAMES
    }
    if SYSTEM_CERTIFICATES.exists():  # what the machine trusts, a company's own authority too, as pip does
        wanted["UV_SYSTEM_CERTS"] = "true"
    return {
        name: value
        for name, value in wanted.items()
        if value and name not in environment and OLD_UV_NAMES.get(name, name) not in environment
    }


if __name__ == "__main__":
    for name, value in uv_settings(os.environ).items():
        print(f"export {name}={shlex.quote(value)}")
