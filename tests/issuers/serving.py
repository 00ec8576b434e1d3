"""Shared code of the servers in this folder. Each server listens on a free loopback port and ends when its parent process ends."""

import json
import os
import sys
import threading
from socketserver import ThreadingMixIn
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server


class Quiet(WSGIRequestHandler):
    def log_message(self, *_arguments):
        pass

    # The default method looks up the client's name, which needs a name server.
    def address_string(self):
        return self.client_address[0]


class Threads(ThreadingMixIn, WSGIServer):
    daemon_threads = True


def say(word, value):
    print(word, value if isinstance(value, str) else json.dumps(value), flush=True)


def _end_with_standard_input():
    sys.stdin.read()
    os._exit(0)


def serve(application, ready=lambda address: None, threads=True):
    """Serves until standard input is closed, for five minutes at most. Calls `ready` with the address before it prints the address."""
    threading.Thread(target=_end_with_standard_input, daemon=True).start()
    end = threading.Timer(300, lambda: os._exit(0))
    end.daemon = True
    end.start()
    server = make_server("127.0.0.1", 0, application, Threads if threads else WSGIServer, Quiet)
    address = f"127.0.0.1:{server.server_port}"

    def get_ready():
        ready(address)
        say("listening", address)

    threading.Thread(target=get_ready, daemon=True).start()
    server.serve_forever()
