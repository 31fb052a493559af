"""A small server for `GET /call` and the directory: every item is encoded in advance, so that listing needs little CPU.

python -m bench.listing PORT BASE_URL LISTING_JSON
"""

import json
import sys
from bisect import bisect_left, bisect_right
from pathlib import Path

from aiohttp import web

PREFIX = "/api/v2"


def application(base: str, listing: Path) -> web.Application:
    known = json.loads(listing.read_text().replace("{base}", base))
    calls = known.pop("calls")
    # Newest first, so the negated start grows.
    order = [-started for started, _ in calls]
    items = [json.dumps(item) for _, item in calls]

    async def page(request: web.Request) -> web.Response:
        asked = request.query
        first = bisect_right(order, -int(asked["started_before"]))
        behind = bisect_left(order, -int(asked["started_after"]))
        start = int(asked.get("cursor", first))
        end = min(behind, start + int(asked.get("limit", "25")))
        cursor = f', "cursor": "{end}"' if end < behind else ""
        return _json(f'{{"items": [{", ".join(items[start:end])}]{cursor}}}')

    async def directory(request: web.Request) -> web.Response:
        return _json(json.dumps(known[request.path.removeprefix(PREFIX)]))

    app = web.Application()
    app.router.add_get(f"{PREFIX}/call", page)
    for path in known:
        app.router.add_get(f"{PREFIX}{path}", directory)
    return app


def _json(text: str) -> web.Response:
    return web.Response(text=text, content_type="application/json")


if __name__ == "__main__":
    web.run_app(application(sys.argv[2], Path(sys.argv[3])), host="127.0.0.1", port=int(sys.argv[1]), print=None, access_log=None)
