"""The recipe of the manual for nginx, with a real one: TLS, a unix socket, a path, who signed in at the proxy."""

from __future__ import annotations

import os
import re
import shutil
import ssl
import subprocess
import threading
import time
from base64 import b64encode
from collections.abc import Iterator
from contextlib import closing, contextmanager
from http.client import HTTPSConnection
from pathlib import Path
from typing import Any

import pytest
from cli.test_console import free_port
from console.offices import Office, office

from engine.console import serving

NGINX = shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin")

MANUAL = Path(__file__).parents[2] / "docs" / "console.md"

pytestmark = pytest.mark.skipif(
    NGINX is None or shutil.which("openssl") is None, reason="not installed: nginx, openssl"
)


def recipe(folder: Path, port: int) -> str:
    """The recipe of the manual, for this folder and port, with passwords of nginx."""
    found = re.search(r"```nginx\n(.*?)```", MANUAL.read_text("utf-8"), re.DOTALL)
    assert found is not None
    own = {
        "listen 443 ssl": f"listen 127.0.0.1:{port} ssl",
        "/etc/ssl/desk.pem": f"{folder}/t.pem",
        "/etc/ssl/desk.key": f"{folder}/t.key",
        "/run/allegra/console.sock": f"{folder}/c.sock",
        'X-Remote-User ""': "X-Remote-User $remote_user",
        "client_max_body_size 10m;": f"client_max_body_size 10m; auth_basic x; auth_basic_user_file {folder}/who;",
    }
    text = found[1]
    for name, value in own.items():
        assert name in text, name
        text = text.replace(name, value)
    places = "".join(
        f"{kind}_temp_path {folder}/{kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    user = "user root; " if os.geteuid() == 0 else ""
    main = f"{user}daemon off; pid {folder}/n.pid; error_log {folder}/error.log; events {{}}"
    return f"{main} http {{ access_log off; {places} {text} }}"


@contextmanager
def behind(made: Office, folder: Path, port: int) -> Iterator[None]:
    """The console at a socket, and nginx before it."""
    from waitress.server import create_server

    name = ["-subj", "/CN=localhost", "-days", "2"]
    key = [
        "openssl",
        "req",
        "-x509",
        "-newkey",
        "rsa:2048",
        "-nodes",
        "-keyout",
        f"{folder}/t.key",
        "-out",
        f"{folder}/t.pem",
    ]
    subprocess.run([*key, *name], check=True, capture_output=True)
    (folder / "who").write_text("bob:{PLAIN}a password of nginx\n", "utf-8")
    (folder / "n.conf").write_text(recipe(folder, port), "utf-8")
    server = create_server(made.app, unix_socket=f"{folder}/c.sock", unix_socket_perms="666", **serving.limits(4))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    assert NGINX is not None
    with subprocess.Popen([NGINX, "-p", str(folder), "-e", f"{folder}/error.log", "-c", f"{folder}/n.conf"]) as nginx:
        try:
            for _ in range(50):
                time.sleep(0.1)
                if (folder / "n.pid").exists():
                    break
            yield
        finally:
            nginx.terminate()
    server.close()
    thread.join(5)
    server.task_dispatcher.shutdown()


def test_the_recipe_of_the_manual_leads_to_a_console_below_a_path(tmp_path: Path) -> None:
    port = free_port()
    with office(tmp_path / "demo") as made:
        file = made.folder / "allegra.toml"
        text = re.sub(r"(?m)^base_url *=.*$", f'base_url = "https://localhost:{port}/desk"', file.read_text("utf-8"))
        own = f'listen = "{tmp_path}/c.sock"\nauth = "proxy-header:X-Remote-User"\ntrusted_proxies = ["unix"]'
        file.write_text(text.replace('auth = "none"', own), "utf-8")
        made.installation._looked_at = 0.0
        with behind(made, tmp_path, port):
            ask = asker(tmp_path, port)
            assert ask("/desk/mails", {"Authorization": ""})[0] == 401
            status, page = ask("/desk/mails", {})
            assert status == 200 and ">bob</a>" in page
            status, page = ask("/desk/mails", {"X-Remote-User": "anna"})
            assert status == 200 and ">bob</a>" in page, "what a browser says of itself is not handed on"
            for address in set(re.findall(r'(?:href|src)="(/[^"]*)"', page)):
                assert address.startswith("/desk/") and ask(address.replace("&amp;", "&"), {})[0] in (200, 303), address


def asker(folder: Path, port: int) -> Any:
    context = ssl.create_default_context(cafile=f"{folder}/t.pem")
    context.check_hostname = False

    def ask(address: str, headers: dict[str, str]) -> tuple[int, str]:
        known = {"Authorization": f"Basic {b64encode(b'bob:a password of nginx').decode()}"}
        with closing(HTTPSConnection("localhost", port, context=context, timeout=20)) as connection:
            connection.request("GET", address, headers={**known, **headers})
            answer = connection.getresponse()
            return answer.status, answer.read().decode("utf-8", "replace")

    return ask
