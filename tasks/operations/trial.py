"""What works is put aside before it is altered, and put back if what comes instead does not come up.

    /opt/APP/before/     while something new is on trial: the release, settings and units before it

All of it is shell, so that it is done as a whole though the deploy may be gone by then.
"""

from dataclasses import dataclass

_UNITS = "/etc/systemd/system"


@dataclass(frozen=True)
class Trial:
    """The trial of a new release, settings or units of an application, whose units are those called `APP-…`.

    `settings` are shell patterns, without blanks, of the files in /etc/APP that are put aside with them. `note`, a
    shell command, adds to files in the folder that it is run in what `undo` needs in order to take back what a new
    release has done to what both work on; `$release` is the folder of the new one for both.
    """

    app: str
    settings: tuple[str, ...] = ("*.toml",)
    note: str = "true"
    undo: str = "true"

    @property
    def remember(self) -> str:
        """A command to be run before anything is altered: it puts aside what is there, unless a trial is under way.

        Before there is a release with a service there is nothing that works.
        """
        app, root, before = self.app, f"/opt/{self.app}", f"/opt/{self.app}/before"
        new = f"{before}.new"
        return (
            f"( test -d {before} || ! test -e {root}/current || ! ls {_UNITS}/{app}-*.service >/dev/null 2>&1 || "
            f"{{ rm -rf {new} && mkdir -m 700 -p {new}/settings {new}/units && "
            f"{_copied(f'/etc/{app}', ' '.join(self.settings), f'{new}/settings')} && "
            f"{_copied(_UNITS, f'{app}-*', f'{new}/units')} && "
            f"basename $(readlink {root}/current) > {new}/release && mv -T {new} {before}; }} )"
        )

    def keeping(self, unit: str) -> str:
        """A command that has a trial that is under way leave a unit as it is now: others have been led to it."""
        return (
            f"{{ test ! -d /opt/{self.app}/before || cp -a {_UNITS}/{unit} /opt/{self.app}/before/units/; }}"
        )

    def noted(self, release: str) -> str:
        """A command for before the `release` of this name takes the place of another, if that is on trial.

        It is not where there was no release to put aside.
        """
        root = f"/opt/{self.app}"
        return (
            f"( ! test -d {root}/before || "
            f"{{ cd {root}/before && release={root}/{release} && {{ {self.note}; }}; }} )"
        )

    @property
    def roll_back(self) -> str:
        """A command that puts back what was put aside and has it run again. It fails, so that the operation does."""
        app, root, before = self.app, f"/opt/{self.app}", f"/opt/{self.app}/before"
        ours = f"find . -maxdepth 1 -name '{app}-*' ! -type d -printf '%f\\n'"
        return (
            f"{{ if test -d {before}; then "
            f"release=$(readlink -f {root}/current); ( cd {before} && {{ {self.undo}; }} ); "
            # What starts a service is left alone where it is as before: it holds connections.
            f'( cd {_UNITS} && for f in $({ours}); do case $f in *.service) echo "$f";; '
            f'*) test "$(cat "$f")" = "$(cat {before}/units/"$f" 2>/dev/null)" || echo "$f";; esac; done '
            f"| xargs -r systemctl stop; {ours} | xargs -r rm -f ) && "
            f"{_copied(f'{before}/units', '*', _UNITS)} && {_copied(f'{before}/settings', '*', f'/etc/{app}')} && "
            f"ln -sfn $(cat {before}/release) {root}/next && mv -T {root}/next {root}/current && "
            f"( cd {before}/units && systemctl daemon-reload && {{ ls | xargs -r systemctl enable -q 2>/dev/null; "
            f"ls | grep -v '\\.service$' | xargs -r systemctl start; "
            f"ls | grep -E '^{app}-[a-z]+\\.service$' | xargs -r systemctl restart; }} ) && rm -rf {before} && "
            "echo 'it did not come up; what was there before is in use again' >&2; fi; false; }"
        )


def _copied(folder: str, patterns: str, target: str) -> str:
    """A command that copies the files in `folder` that match to `target`."""
    return (
        f'( cd {folder} && for f in {patterns}; do test ! -f "$f" || cp -a "$f" {target}/ || exit 1; done )'
    )
