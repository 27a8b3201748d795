"""python -m bench.baselines.synchronous PORT HOOK_URL: a relay as it is usually written, which posts before it answers.

One thread of http.server, a new connection to Mattermost for each event, nothing stored, no retry, no secret checked.
"""

import json
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer

import requests


class Handler(BaseHTTPRequestHandler):
    """Takes an event of an issue."""

    def do_POST(self) -> None:
        """Post, then answer."""
        event = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        issue, project = event["object_attributes"], event["project"]["name"]
        box = {
            "color": "#00ff00",
            "title": f"Issue #{issue['iid']}: {issue['title']}",
            "title_link": issue["url"],
            "text": f"**{event['user']['name']}** a ouvert une issue",
            "fields": [
                {"short": True, "title": "Projet", "value": project},
                {"short": True, "title": "Status", "value": issue["state"]},
            ],
        }
        requests.post(sys.argv[2], json={"username": "GitLab Bot", "attachments": [box]}, timeout=10)
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"OK")

    def log_message(self, format: str, *args: object) -> None:
        """One line for each request."""
        print(f"[HTTP] {format % args}")


if __name__ == "__main__":
    HTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
