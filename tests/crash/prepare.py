"""Creates a company with a bucket and a started run, in the installation that the environment names: prepare.py BASE_URL KEY FOLDER."""

import asyncio
import sys
from datetime import UTC, datetime
from pathlib import Path

from rokuon.runtime.django_start import start_django

start_django()

from django.core.management import call_command  # noqa: E402 - Django first

from rokuon.config import Config  # noqa: E402
from rokuon.domain.recording import ScopeKind  # noqa: E402
from rokuon.jobs import queue  # noqa: E402
from rokuon.org import directory, services  # noqa: E402
from rokuon.org.models import Company, Target  # noqa: E402
from rokuon.runtime.installation import open_installation  # noqa: E402
from rokuon.stores import marker  # noqa: E402
from rokuon.wiring import backup_now  # noqa: E402
from rokuon.wiring.connections import API_KEY, company_owner  # noqa: E402
from rokuon.wiring.job_handlers import JobHandlers  # noqa: E402


def main(base_url: str, key: str, folder: Path) -> None:
    call_command("migrate", verbosity=0)
    with open_installation(Config.load()) as installation:
        company = services.create_company("Company", base_url, "1")
        sealed = installation.vault.seal(key, owner=company_owner(company.pk), field=API_KEY)
        Company.objects.filter(pk=company.pk).update(api_key=sealed, enabled=True, requests_per_second=5000)
        folder.mkdir(parents=True)
        bucket = services.register_bucket(company, folder.as_uri())
        services.change(company, services.choice(company, bucket))

        async def ask() -> None:
            engine = JobHandlers(installation, queue)
            store = engine.connections.open_store(bucket.pk, bucket.url, "")
            await marker.create(store, marker.Claim(str(company.claim), installation.identity), marker.new_identity(), datetime.now(UTC))
            await store.close()
            told = await (await engine.connections.source(company.pk)).directory()
            await engine.db(directory.apply, company.pk, told, datetime.now(UTC))
            await engine.close()

        asyncio.run(ask())
        Target.objects.update(backed_up=True)
        backup_now.start(company.pk, ScopeKind.COMPANY, 0, None, datetime.now(UTC), queue)
        sys.stdout.write(str(company.pk))


main(sys.argv[1], sys.argv[2], Path(sys.argv[3]))
