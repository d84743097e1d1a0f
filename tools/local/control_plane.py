"""Dapr's own control plane beside the apps: sentry for certificates, placement for actors, scheduler for jobs."""

import datetime
import shutil
from pathlib import Path

from cryptography import x509

from tools.local.backend import Backend
from tools.local.home import Home
from tools.local.ports import BackendPorts
from tools.local.waiting import answers_ok

LOOPBACK = "127.0.0.1"
RENEW_BEFORE = datetime.timedelta(days=7)
SENTRY_CONFIGURATION = """\
apiVersion: dapr.io/v1alpha1
kind: Configuration
metadata:
  name: daprsystem
spec:
  mtls:
    enabled: true
    workloadCertTTL: 24h
    allowedClockSkew: 15m
"""


def sentry(home: Home, binaries: Path, ports: BackendPorts) -> Backend:
    """Issues every sidecar's certificate; makes its own authority the first time, and anew when it nears its end."""
    directory = home.ca_certificate.parent
    if home.ca_certificate.exists() and _is_near_its_end(home.ca_certificate):
        shutil.rmtree(directory)
    directory.mkdir(exist_ok=True, mode=0o700)
    configuration = home.run / "sentry.yaml"
    configuration.write_text(SENTRY_CONFIGURATION)
    return Backend(
        name="sentry",
        command=[
            *(str(binaries / "sentry"), "--config", str(configuration), "--issuer-credentials", str(directory)),
            *("--trust-domain", "localhost", "--port", str(ports["sentry"]), "--listen-address", LOOPBACK),
            *("--healthz-port", str(ports["sentry health"]), "--healthz-listen-address", LOOPBACK),
            "--enable-metrics=false",  # sentry 1.18 opens them to the network whatever address it is told
        ],
        log=home.logs / "sentry.log",
        is_ready=lambda: home.ca_certificate.exists() and _is_healthy(ports, "sentry"),
        details={"host": LOOPBACK, **ports.of("sentry")},
    )


def placement(home: Home, binaries: Path, ports: BackendPorts) -> Backend:
    return Backend(
        name="placement",
        command=[
            *(str(binaries / "placement"), "--port", str(ports["placement"])),
            *("--initial-cluster", f"dapr-placement-0={LOOPBACK}:{ports['placement raft']}"),
            *_endpoints(ports, "placement"),
            *_metrics(ports, "placement"),
            *_trust(home, ports),
        ],
        log=home.logs / "placement.log",
        is_ready=lambda: _is_healthy(ports, "placement"),
        details={"host": LOOPBACK, **ports.of("placement")},
    )


def scheduler(home: Home, binaries: Path, ports: BackendPorts) -> Backend:
    data = home.root / "scheduler"
    data.mkdir(exist_ok=True, mode=0o700)
    for leftover in home.run.glob("*scheduler-identity"):  # it makes a new one at each start and removes none
        leftover.unlink() if leftover.is_symlink() else shutil.rmtree(leftover)
    broadcast = f"{LOOPBACK}:{ports['scheduler']}"
    return Backend(
        name="scheduler",
        command=[
            *(str(binaries / "scheduler"), "--port", str(ports["scheduler"]), "--etcd-data-dir", str(data)),
            *(
                "--override-broadcast-host-port",
                broadcast,
                "--identity-directory-write",
                str(home.run / "scheduler-identity"),
            ),
            *("--etcd-initial-cluster", f"dapr-scheduler-server-0=http://{LOOPBACK}:{ports['scheduler etcd peer']}"),
            *("--etcd-client-port", str(ports["scheduler etcd client"]), "--etcd-client-listen-address", LOOPBACK),
            # Revisions, of which a checkout makes 23, are kept in memory too; the default keeps a million.
            *("--etcd-compaction-mode", "revision", "--etcd-compaction-retention", "100000"),
            # A lone member waits for no other's vote: without this the first election alone takes seconds.
            "--etcd-initial-election-tick-advance=true",
            *_endpoints(ports, "scheduler"),
            *_metrics(ports, "scheduler"),
            *_trust(home, ports),
        ],
        log=home.logs / "scheduler.log",
        is_ready=lambda: _is_healthy(ports, "scheduler"),
        details={"host": LOOPBACK, **ports.of("scheduler")},
    )


def _endpoints(ports: BackendPorts, name: str) -> tuple[str, ...]:
    """Dapr 1.18.2 takes the address for healthz and does not use it: `/healthz`, which tells nothing, is open to the network."""
    return (
        *("--listen-address", LOOPBACK),
        *("--healthz-port", str(ports[f"{name} health"]), "--healthz-listen-address", LOOPBACK),
    )


def _metrics(ports: BackendPorts, name: str) -> tuple[str, ...]:
    return ("--metrics-port", str(ports[f"{name} metrics"]), "--metrics-listen-address", LOOPBACK)


def _trust(home: Home, ports: BackendPorts) -> tuple[str, ...]:
    return (
        *("--tls-enabled", "--trust-domain", "localhost", "--trust-anchors-file", str(home.ca_certificate)),
        *("--sentry-address", f"{LOOPBACK}:{ports['sentry']}"),
    )


def _is_healthy(ports: BackendPorts, name: str) -> bool:
    return answers_ok(f"http://{LOOPBACK}:{ports[f'{name} health']}/healthz")


def _is_near_its_end(certificate: Path) -> bool:
    """Checks the authority and the issuer beside it, whichever ends first."""
    now = datetime.datetime.now(datetime.UTC)
    for path in (certificate, certificate.with_name("issuer.crt")):
        if path.exists() and x509.load_pem_x509_certificate(path.read_bytes()).not_valid_after_utc - now < RENEW_BEFORE:
            return True
    return False
