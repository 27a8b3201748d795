"""The parts of a running stand-in, put together once."""

from pathlib import Path
from queue import SimpleQueue

from lab.standins.gitlab.state.config import Config
from lab.standins.gitlab.state.git import Repository
from lab.standins.gitlab.state.models import Project
from lab.standins.gitlab.state.rate_limiter import RateLimiter
from lab.standins.gitlab.state.settings import Settings
from lab.standins.gitlab.state.store import Store
from lab.standins.gitlab.state.users import Users


class Instance:
    """What every part works with: the database, the settings, the repositories, the events that wait for hooks."""

    def __init__(self, config: Config) -> None:
        config.data.mkdir(parents=True, exist_ok=True)
        self.config = config
        self.store = Store(config.data / "gitlab.sqlite3")
        self.settings = Settings(self.store, config.settings_cache_seconds)
        self.users = Users(self.store)
        self.pending_deliveries: SimpleQueue[int] = SimpleQueue()
        self.test_limit = RateLimiter(per_minute=5)
        self.resend_limit = RateLimiter(per_minute=5)
        self._repositories: dict[int, Repository] = {}

    def repository(self, project: Project) -> Repository:
        """The project's bare repository; the same object every time, for its lock."""
        path = Path(self.config.data / "repositories" / f"{project.id}.git").resolve()
        return self._repositories.setdefault(project.id, Repository(path))

    def first_start(self, root_password: str | None, root_token: str | None, read_token: str | None) -> None:
        """Create root with these secrets unless it exists. Raises ValueError when one of them is missing.

        A real GitLab takes the password from `initial_root_password` and gets the tokens from an administrator's
        `gitlab-rails runner`; all are ignored from the second start on, as there. The token for reading is optional.
        """
        if self.users.get(1) is not None:
            return
        if not root_password or not root_token:
            raise ValueError("GITLAB_ROOT_PASSWORD and GITLAB_ROOT_TOKEN must be set for the first start")
        root = self.users.create("root", "Administrator", "admin@example.com", root_password)
        self.users.grant(root, root_token, ["api"])
        if read_token:
            self.users.grant(root, read_token, ["read_api"])
