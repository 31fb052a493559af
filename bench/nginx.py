"""nginx with its own configuration, pid file and logs, on loopback: it serves the files and forwards to the listing server."""

import getpass
from contextlib import ExitStack
from pathlib import Path

from .processes import free_port, start

_CONFIG = """
daemon off;
user {user};
worker_processes 1;
pid {folder}/nginx.pid;
error_log {folder}/nginx-error.log warn;
events {{ worker_connections 1024; }}
http {{
  access_log off;
  sendfile on;
  tcp_nopush on;
  keepalive_requests 1000000;
  default_type audio/mpeg;
  client_body_temp_path {folder}/nginx-body;
  proxy_temp_path {folder}/nginx-proxy;
  fastcgi_temp_path {folder}/nginx-fastcgi;
  uwsgi_temp_path {folder}/nginx-uwsgi;
  scgi_temp_path {folder}/nginx-scgi;
  open_file_cache max=20000 inactive=10m;
  upstream listing {{ server 127.0.0.1:{listing}; keepalive 16; }}
  server {{
    listen 127.0.0.1:{port} backlog=1024;
    location /files/ {{ alias {files}/; autoindex on; autoindex_exact_size on; }}
    location /api/ {{ proxy_pass http://listing; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_buffers 16 64k; }}
  }}
}}
"""


def serve(stack: ExitStack, folder: Path, files: Path, listing_port: int, port: int | None = None) -> str:
    """Serve the files and the listing until the stack ends; return the address."""
    port = port or free_port()
    config = folder / "nginx.conf"
    config.write_text(_CONFIG.format(user=getpass.getuser(), folder=folder, listing=listing_port, port=port, files=files))
    start(stack, ["nginx", "-c", str(config), "-e", str(folder / "nginx-start.log")], folder / "nginx.log", port=port)
    return f"http://127.0.0.1:{port}"
