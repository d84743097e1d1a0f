"""The shop's public face to other tools: which process is what, true while it runs and gone when it does not."""

import json
from collections.abc import Mapping
from typing import Any

from tools.local.atomic import write_atomically
from tools.local.home import Home
from tools.local.run_file import RunFile
from tools.local.sidecars import Pair


def write_run_json(
    home: Home,
    *,
    run_file: RunFile,
    pairs: Mapping[str, Pair],
    admin: Mapping[str, str],
    backends: Mapping[str, Mapping[str, object]],
) -> dict[str, Any]:
    """Replaces the file in one step; a pid is null while that process does not live."""
    content = {
        "gateway_url": f"http://127.0.0.1:{run_file.gateway_port}",
        "admin": {"email": admin["email"], "password": admin["password"]},
        "apps": {
            app.app_id: {
                "app_port": app.app_port,
                "dapr_http_port": app.dapr_http_port,
                "app_pid": _pid(pairs[app.app_id].app),
                "daprd_pid": _pid(pairs[app.app_id].daprd),
            }
            for app in run_file.apps
        },
        "backends": {name: dict(details) for name, details in backends.items()},
    }
    write_atomically(home.run_json, json.dumps(content, indent=2) + "\n")
    return content


def _pid(process: Any) -> int | None:
    return process.pid if process else None
