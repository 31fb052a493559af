"""What stands in the way of Rokuon's own webhook is told in words about webhooks."""

import pytest

from rokuon.domain.failures import EventsForbidden, EventsNotOffered, EventsRefused, SourceError, SourceUnavailable

from .worlds import json_answer, raw_server, source_for

REFUSALS = {404: EventsNotOffered, 410: EventsNotOffered, 403: EventsForbidden, 400: EventsRefused, 422: EventsRefused}


async def refused(answer) -> SourceError:  # type: ignore[no-untyped-def]
    async with raw_server(answer) as server, source_for(server.url) as rig:
        with pytest.raises(SourceError) as caught:
            await rig.source.ensure_events("https://rokuon.example/hooks/dialpad/x", "s" * 43, None)
    return caught.value


@pytest.mark.parametrize("status", REFUSALS)
@pytest.mark.parametrize("path", ["webhooks", "subscriptions/call"])
async def test_a_refusal_at_either_address_is_about_events_and_not_about_an_office_a_scope_or_a_date(status: int, path: str) -> None:
    def answer(request):  # type: ignore[no-untyped-def]
        if request.path.endswith(path):
            return json_answer({"error": {}}, status)
        return json_answer({"items": [], "id": "7"})

    error = await refused(answer)
    assert type(error) is REFUSALS[status]
    assert str(status) in error.detail
    for strange in ("office", "contact center", "recordings_export", "dates"):
        assert strange not in error.advice
    assert "listing" in error.advice, "backup goes on without events"


async def test_an_outage_is_an_outage() -> None:
    assert type(await refused(lambda _: json_answer({}, 503))) is SourceUnavailable
