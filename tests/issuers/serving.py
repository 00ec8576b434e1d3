"""What the servers of this folder share: a free port of loopback, and an end when whoever started them is gone."""

import json
import os
import sys
import threading
from socketserver import ThreadingMixIn
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server


class Quiet(WSGIRequestHandler):
    def log_message(self, *_arguments):
        pass

    # Looking the client's address up would ask a name server.
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
    """Serves until standard input is closed, and for five minutes at most; `ready` is called with the address before it is told."""
    threading.Thread(target=_end_with_standard_input, daemon=True).start()
    end = threading.Timer(300, lambda: os._exit(0))
    end.daemon = True
    end.start()
    server = make_server("127.0.0.1", 0, application, Threads if threads else WSGIServer, Quiet)
    address = f"127.0.0.1:{server.server_port}"

    def tell():
        ready(address)
        say("listening", address)

    threading.Thread(target=tell, daemon=True).start()
    server.serve_forever()
