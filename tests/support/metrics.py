"""Reads how often an app of a running shop has answered."""

from typing import Any

import aiohttp
from prometheus_client.parser import text_string_to_metric_families


async def answers_of(run_json: dict[str, Any], app_id: str, endpoint: str) -> dict[str, int]:
    """By HTTP status, the requests to a route that this process of the app has answered."""
    url = f"http://127.0.0.1:{run_json['apps'][app_id]['app_port']}/metrics"
    async with aiohttp.ClientSession() as http, http.get(url) as answer:
        text = await answer.text()
    return {
        sample.labels["status"]: int(sample.value)
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.name == "http_requests_total" and sample.labels["endpoint"] == endpoint
    }
