"""What is on a host in the place of Docker as it is supported, in a few lines of shell, and how it is refused."""

# Each prints `error REASON DETAIL` and ends the shell it runs in, or prints nothing.
# Podman's service behind Docker's own command, and Docker without root, name their components. Podman's `docker` names
# none, as a Docker that does not answer, and says itself what it is, without asking anybody.
SUPPORTED = """
case "$(docker version --format '{{range .Server.Components}}{{.Name}} {{.Version}};{{end}}' 2>/dev/null)" in
*[Pp]odman*) echo "error engine Podman behind the docker command"; exit 0;;
*rootlesskit*) echo "error engine rootless Docker"; exit 0;;
"") case "$(docker --version 2>/dev/null)" in
*[Pp]odman*) echo "error engine $(docker --version 2>/dev/null | head -n 1)"; exit 0;;
esac;;
esac
"""

# Where Docker is not there, does not answer, or has nothing.
OTHERS = """
others() {
for at in /run/user/*/docker.sock; do
test -S "$at" && { echo "error engine rootless Docker ($at)"; exit 0; }
done
for at in /run/podman/podman.sock /run/user/*/podman/podman.sock; do
test -S "$at" && { echo "error engine Podman ($at)"; exit 0; }
done
command -v docker >/dev/null || { command -v podman >/dev/null && echo "error engine $(podman --version)" && exit 0; }
}
"""

SNAP = "/snap/bin/nextcloud.occ"
"""What Nextcloud's snap puts on a host."""

REFUSED = (
    "host: what runs containers there is {engine}; supported is Docker that root runs (docker-ce, docker.io): start "
    "the applications there, or describe them as being elsewhere (docs/sites.md)"
)
SNAP_REFUSED = (
    "nextcloud: it is installed as a snap, of which the relay is not shown the files; watch it over WebDAV: "
    'nextcloud.service = "", nextcloud.source = "webdav", nextcloud.relay_password'
)
