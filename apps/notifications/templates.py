"""The words of messages and mails: Jinja templates, one file a kind, and money as people write it."""

import html
from pathlib import Path

import jinja2

from apps.notifications.domain import Kind
from apps.notifications.ports import Facts, Text
from apps.shared.money import Money

_DIRECTORY = Path(__file__).parent / "templates"

_EXPONENTS = {
    **dict.fromkeys(
        (
            "BIF",
            "CLP",
            "DJF",
            "GNF",
            "ISK",
            "JPY",
            "KMF",
            "KRW",
            "PYG",
            "RWF",
            "UGX",
            "VND",
            "VUV",
            "XAF",
            "XOF",
            "XPF",
        ),
        0,
    ),
    **dict.fromkeys(("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"), 3),
}
"""Decimal places of the currencies that have not two (ISO 4217)."""


class JinjaTemplates:
    """See `ports.Templates`. Each template defines the blocks `title`, `text` and `html`."""

    def __init__(self) -> None:
        self._environment = jinja2.Environment(
            loader=jinja2.FileSystemLoader(_DIRECTORY), autoescape=True, undefined=jinja2.StrictUndefined
        )

    def render(self, kind: Kind, facts: Facts, *, name: str) -> Text:
        """`name` is empty in messages that are stored, so that they hold no personal data."""
        template = self._environment.get_template(f"{kind}.html")
        context = template.new_context(
            {"order_id": facts.order_id, "total": written(facts.total), "reason": facts.reason, "name": name}
        )

        def block(part: str) -> str:
            return " ".join("".join(template.blocks[part](context)).split())

        title, text = (html.unescape(block(part)) for part in ("title", "text"))
        return Text(title=title, body=text, html=template.render(context.get_all()))


def written(money: Money) -> str:
    """`1,234.50 USD`, with the decimal places of the currency."""
    exponent = _EXPONENTS.get(money.currency, 2)
    sign = "-" if money.amount_minor < 0 else ""
    whole, fraction = divmod(abs(money.amount_minor), 10**exponent)
    decimals = f".{fraction:0{exponent}}" if exponent else ""
    return f"{sign}{whole:,}{decimals} {money.currency}"
