"""The commands that look and change nothing: drift, doctor, status, sites."""

from pathlib import Path

import click

from passerelle.shared import all_sites, described, site_option


@click.command()
@site_option
@click.pass_obj
def drift(settings: Path, site: str | None) -> int:
    """Show what differs from the settings.

    Each difference as expected and actual; nothing is changed. For cron, too: exit code 2 says that something differs.
    """
    described(settings, site)
    from tasks import drift

    return drift.main(site)


@click.command()
@site_option
@click.pass_obj
def doctor(settings: Path, site: str | None) -> int:
    """Find the first broken link, and its remedy.

    It follows the way of an event and of a document between the applications, and changes nothing.
    """
    described(settings, site)
    from tasks.doctor import diagnosis

    return diagnosis.main(site)


@click.command()
@site_option
@click.pass_obj
def status(settings: Path, site: str | None) -> int:
    """Show containers, relays and pages.

    As scripts/status.sh on the host does, which this runs.
    """
    described(settings, site)
    from tasks import status

    return status.main(site)


@click.command()
@click.pass_obj
def sites(settings: Path) -> None:
    """List the sites that the settings describe."""
    described(settings, None)
    for name, site in all_sites().items():
        hosts = ", ".join(machine.address for machine in (site.host, *site.relay_hosts))
        channels = [site.mattermost.gitlab_webhook.channel, *(tree.channel for tree in site.trees)]
        listed = " ".join(f"#{channel}" for channel in dict.fromkeys(channels))
        click.echo(f"{name}  on {hosts}  {site.mattermost.url}/{site.mattermost.team}  {listed}")
