"""Checkout as a later release might be, to be run in place of this one: it makes sure of the stock once more before it captures."""

from apps.shared.platform.app import serve
from workflows.checkout.main import build_app
from workflows.checkout.plan import CHECKOUT_VERSIONS, Step
from workflows.checkout.settings import CheckoutSettings

_latest = list(CHECKOUT_VERSIONS.values())[-1]
_capture = [step.activity for step in _latest].index("payments.capture_payment")
PLANS = {
    **CHECKOUT_VERSIONS,
    "2": (*_latest[:_capture], Step("inventory.reserve_stock"), *_latest[_capture:]),
}

if __name__ == "__main__":
    settings = CheckoutSettings()
    serve(build_app(settings, PLANS), settings)
