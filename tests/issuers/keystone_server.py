"""OpenStack Keystone, for tests/outside/issuers: application credentials, with its own API and with its OAuth 2.0 API.

The argument is an empty folder. Prints `credentials {…}`: the names and ids of the application credentials.
"""

import json
import os
import sqlite3
import sys
import urllib.request
from pathlib import Path

import keystone.server
from keystone.cmd import bootstrap
from keystone.common import fernet_utils
from keystone.common.sql import upgrades
from keystone.server.flask import core

from serving import say, serve

PASSWORD = "the password of the administrator"
SECRET = "s:ecret &=+%2B/~"

folder = Path(sys.argv.pop())  # Keystone reads the rest of the command line
configuration = folder / "keystone.conf"
configuration.write_text(
    f"""[DEFAULT]
log_file = {folder}/keystone.log
[database]
connection = sqlite:///{folder}/keystone.db
[fernet_tokens]
key_repository = {folder}/fernet
[fernet_receipts]
key_repository = {folder}/receipts
[cache]
enabled = false
[identity]
password_hash_rounds = 4
[token]
expiration = 1234
"""
)
for name in ["fernet", "receipts"]:
    keys = fernet_utils.FernetUtils(str(folder / name), 3, f"{name} of the test")
    keys.create_key_directory()
    keys.initialize_key_repository()


def fill():
    """Does the work of `keystone-manage db_sync` and `keystone-manage bootstrap`."""
    keystone.server.configure(config_files=[str(configuration)])
    upgrades.offline_sync_database_to_version()
    first = bootstrap.Bootstrapper()
    first.admin_password = PASSWORD
    first.admin_username = first.project_name = first.admin_role_name = "admin"
    first.service_name = "keystone"
    first.immutable_roles = True
    for url in ["service_id", "admin_url", "public_url", "internal_url", "region_id"]:
        setattr(first, url, None)
    first.bootstrap()
    return {"user": first.admin_user_id, "project": first.project_id, "role": first.member_role_id}


# In a child process, because one process can set up Keystone only once. The fork avoids a second import.
reading, writing = os.pipe()
if os.fork() == 0:
    os.write(writing, json.dumps(fill()).encode())
    os._exit(0)
os.close(writing)
first = json.loads(os.fdopen(reading).read())
application = core.initialize_application("public", config_files=[str(configuration)])


def ask(address, method, path, body=None, token=None):
    headers = {"Content-Type": "application/json", **({"X-Auth-Token": token} if token else {})}
    request = urllib.request.Request(f"http://{address}/v3{path}", json.dumps(body).encode() if body else None, headers, method=method)
    with urllib.request.urlopen(request, timeout=20) as answer:
        text = answer.read()
        return answer.headers.get("X-Subject-Token"), json.loads(text) if text else None


def log_in(address, user, password, project):
    identity = {"methods": ["password"], "password": {"user": {"id": user, "password": password}}}
    return ask(address, "POST", "/auth/tokens", {"auth": {"identity": identity, "scope": {"project": {"id": project}}}})[0]


def ready(address):
    """Creates the credentials, as an operator does with the command line client."""
    administrator = log_in(address, first["user"], PASSWORD, first["project"])
    person = {"name": "ada", "password": PASSWORD, "domain_id": "default"}
    person = ask(address, "POST", "/users", {"user": person}, administrator)[1]["user"]["id"]
    ask(address, "PUT", "/projects/{project}/users/{person}/roles/{role}".format(person=person, **first), None, administrator)
    made = {}

    def credential(user, password, name, **more):
        token = log_in(address, user, password, first["project"])
        wanted = {"application_credential": {"name": name, "secret": SECRET, **more}}
        answer = ask(address, "POST", f"/users/{user}/application_credentials", wanted, token)[1]
        made[name] = answer["application_credential"]["id"]
        return token

    token = credential(first["user"], PASSWORD, "good")
    credential(first["user"], PASSWORD, "deleted")
    ask(address, "DELETE", "/users/{}/application_credentials/{}".format(first["user"], made["deleted"]), None, token)
    credential(first["user"], PASSWORD, "ended", expires_at="2037-01-01T00:00:00.000000")
    # Keystone creates no expired credential, so the test changes the database. The unit is microseconds since 1970.
    with sqlite3.connect(folder / "keystone.db") as database:
        database.execute("UPDATE application_credential SET expires_at = 1600000000000000 WHERE id = ?", [made["ended"]])
    credential(person, PASSWORD, "disabled")
    ask(address, "PATCH", f"/users/{person}", {"user": {"enabled": False}}, administrator)
    say("credentials", made)


serve(application, ready)
