"""Bare repositories, through git's own plumbing."""

import os
import subprocess
import threading
from collections.abc import Iterable
from pathlib import Path

from lab.standins.gitlab.state.models import Commit, User

_FIELDS = ("%H", "%P", "%an", "%ae", "%aI", "%cn", "%ce", "%cI", "%B")
_QUIET = {
    # Neither the machine's nor the user's configuration may change what the server does.
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "HOME": os.devnull,
}


class GitError(Exception):
    """Git refused; the message is its own."""


class MergeConflict(GitError):
    """The two branches do not merge by themselves."""


class Repository:
    """One bare repository. `lock` keeps pushes and merges apart, so that ref changes have one author."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.lock = threading.RLock()

    def create(self, default_branch: str) -> None:
        """Make the empty repository; one that a killed process left half made is completed."""
        self.path.mkdir(parents=True, exist_ok=True)
        self.run("init", "--quiet", "--bare", f"--initial-branch={default_branch}")

    def run(
        self,
        *arguments: str,
        stdin: bytes = b"",
        extra_env: dict[str, str] | None = None,
        ok: Iterable[int] = (0,),
    ) -> bytes:
        """Run one git command here and return what it prints. Raises GitError on any other exit code."""
        process = subprocess.run(
            ["git", *arguments],
            cwd=self.path,
            env={**os.environ, **_QUIET, "GIT_DIR": str(self.path), **(extra_env or {})},
            input=stdin,
            capture_output=True,
            check=False,
        )
        if process.returncode not in ok:
            raise GitError(process.stderr.decode(errors="replace").strip() or f"git {arguments[0]} failed")
        return process.stdout

    def text(self, *arguments: str, stdin: bytes = b"") -> str:
        """`run` for commands that print one line of text."""
        return self.run(*arguments, stdin=stdin).decode(errors="replace").strip()

    def refs(self) -> dict[str, str]:
        """Every branch and tag with the object it names."""
        lines = self.text(
            "for-each-ref", "--format=%(refname) %(objectname)", "refs/heads", "refs/tags"
        ).splitlines()
        return dict(line.split(" ", 1) for line in lines)

    def branches(self) -> dict[str, str]:
        """Every branch by its short name."""
        return {
            ref.removeprefix("refs/heads/"): sha
            for ref, sha in self.refs().items()
            if ref.startswith("refs/heads/")
        }

    def has_branches(self) -> bool:
        """Whether there is a branch; asked of every project of a list, so without a process."""
        if any(path.is_file() for path in (self.path / "refs/heads").rglob("*")):
            return True
        packed = self.path / "packed-refs"
        return packed.exists() and " refs/heads/" in packed.read_text()

    def resolve(self, revision: str) -> str | None:
        """The commit that a branch, tag or id stands for, or None."""
        try:
            return self.text("rev-parse", "--verify", "--quiet", "--end-of-options", revision + "^{commit}")
        except GitError:
            return None

    def tag_message(self, sha: str) -> str:
        """The message of an annotated tag; empty for a lightweight one."""
        if self.text("cat-file", "-t", sha) != "tag":
            return ""
        return self.text("cat-file", "tag", sha).partition("\n\n")[2]

    def count(self, *revisions: str) -> int:
        """How many commits a range holds."""
        return int(self.text("rev-list", "--count", *revisions, "--"))

    def log(self, *revisions: str, limit: int) -> list[Commit]:
        """The newest commits of a range, newest first."""
        pretty = "%x00".join(_FIELDS) + "%x00%x1e"
        output = self.run("log", f"--max-count={limit}", f"--format={pretty}", *revisions, "--").decode(
            errors="replace"
        )
        records = [entry.lstrip("\n").split("\0") for entry in output.split("\x1e") if entry.strip()]
        files = self._changed_files([record[0] for record in records])
        return [_commit(record, files.get(record[0], [])) for record in records]

    def _changed_files(self, commits: list[str]) -> dict[str, list[tuple[str, str]]]:
        if not commits:
            return {}
        output = self.run(
            "diff-tree", "--stdin", "-r", "-z", "--root", "--name-status", "--no-renames", "--diff-merges=first-parent",
            stdin="\n".join(commits).encode() + b"\n",
        )  # fmt: skip
        files: dict[str, list[tuple[str, str]]] = {}
        current: list[tuple[str, str]] = []
        tokens = iter(output.decode(errors="replace").split("\0"))
        for token in tokens:
            if len(token) >= 40:
                current = files.setdefault(token.strip(), [])
            elif token:
                current.append((token, next(tokens)))
        return files

    def blob(self, revision: str, path: str) -> bytes | None:
        """A file's content at a revision, or None."""
        try:
            return self.run("cat-file", "blob", f"{revision}:{path}")
        except GitError:
            return None

    def diff(self, *revisions: str) -> list[str]:
        """The lines of a unified diff, between two revisions or of one commit against its first parent."""
        if len(revisions) == 1:
            output = self.run("show", "--format=", "--diff-merges=first-parent", *revisions, "--")
        else:
            output = self.run("diff", "--merge-base", *revisions, "--")
        return output.decode(errors="replace").splitlines()

    def tree(self, revision: str) -> list[str]:
        """Every path at a revision."""
        output = self.run("ls-tree", "-r", "-z", "--name-only", revision).decode(errors="replace")
        return [path for path in output.split("\0") if path]

    def commit_files(
        self, branch: str, parent: str | None, files: dict[str, bytes | None], message: str, author: User
    ) -> str:
        """Commit files (None removes one) on top of `parent` and point the branch at the result."""
        index = {"GIT_INDEX_FILE": str(self.path / f"index.{threading.get_ident()}")}
        try:
            if parent is None:
                self.run("read-tree", "--empty", extra_env=index)
            else:
                self.run("read-tree", parent, extra_env=index)
            for path, content in files.items():
                if content is None:
                    self.run("update-index", "--force-remove", "--", path, extra_env=index)
                else:
                    sha = self.text("hash-object", "-w", "--stdin", stdin=content)
                    self.run("update-index", "--add", "--cacheinfo", f"100644,{sha},{path}", extra_env=index)
            tree = self.run("write-tree", extra_env=index).decode().strip()
        finally:
            Path(index["GIT_INDEX_FILE"]).unlink(missing_ok=True)
        commit = self._commit_tree(tree, [parent] if parent else [], message, author)
        self.run("update-ref", f"refs/heads/{branch}", commit)
        return commit

    def merge(self, target: str, source: str, message: str, author: User) -> str:
        """Merge a commit into a branch with a merge commit; returns it. Raises MergeConflict."""
        head = self.text("rev-parse", "--verify", f"refs/heads/{target}")
        commit = self._commit_tree(self._merged_tree(head, source), [head, source], message, author)
        self.run("update-ref", f"refs/heads/{target}", commit, head)
        return commit

    def mergeable(self, target: str, source: str) -> bool:
        """Whether the two merge without conflict."""
        try:
            self._merged_tree(f"refs/heads/{target}", source)
        except GitError:
            return False
        return True

    def _merged_tree(self, ours: str, theirs: str) -> str:
        lines = (
            self.run("merge-tree", "--write-tree", "--name-only", ours, theirs, ok=(0, 1))
            .decode()
            .splitlines()
        )
        if len(lines) > 1:
            raise MergeConflict("\n".join(lines[1:]))
        return lines[0]

    def _commit_tree(self, tree: str, parents: list[str], message: str, author: User) -> str:
        person = {
            "GIT_AUTHOR_NAME": author.name, "GIT_AUTHOR_EMAIL": author.email,
            "GIT_COMMITTER_NAME": author.name, "GIT_COMMITTER_EMAIL": author.email,
        }  # fmt: skip
        options = [option for parent in parents for option in ("-p", parent)]
        return (
            self.run("commit-tree", tree, *options, stdin=message.encode(), extra_env=person).decode().strip()
        )


def _commit(record: list[str], files: list[tuple[str, str]]) -> Commit:
    sha, parents, author, author_email, authored, committer, committer_email, committed, message = record[:9]
    return Commit(
        id=sha,
        parent_ids=parents.split(),
        author_name=author,
        author_email=author_email,
        authored_date=_offset(authored),
        committer_name=committer,
        committer_email=committer_email,
        committed_date=_offset(committed),
        message=message,
        added=[path for status, path in files if status == "A"],
        modified=[path for status, path in files if status not in "AD"],
        removed=[path for status, path in files if status == "D"],
    )


def _offset(moment: str) -> str:
    # Newer releases of git abbreviate UTC to "Z"; GitLab always writes the offset.
    return moment.removesuffix("Z") + "+00:00" if moment.endswith("Z") else moment
