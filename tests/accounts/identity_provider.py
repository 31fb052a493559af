"""An identity provider on this machine, over real HTTP with real keys, which can be told to lie."""

import base64
import hashlib
import json
import ssl
import threading
import time
from collections.abc import Callable
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from secrets import token_urlsafe
from typing import Any
from urllib.parse import parse_qs, urlsplit

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa

CLIENT, SECRET = "rokuon-client", "a secret between the two of us, long enough"


@cache
def _key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


class IdentityProvider:
    """`authorize` is what its page would do; `claims`, `token`, `discovery` alter what it then says."""

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self.key = _key()
        self.codes: dict[str, dict[str, str]] = {}
        self.claims: dict[str, Any] = {"sub": "248", "email": "hanako@example.com", "email_verified": True}
        self.discovery: dict[str, Any] = {}
        self.token: Callable[[dict[str, Any]], str] = self.sign
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        if tls is not None:
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True)
        self.issuer = f"{'https' if tls else 'http'}://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, args=[0.02], daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def sign(self, claims: dict[str, Any], key: Any = None, algorithm: str = "RS256", kid: str = "1") -> str:
        return jwt.encode(claims, key or self.key, algorithm=algorithm, headers={"kid": kid})

    def authorize(self, address: str) -> str:
        """The query with which a browser that was sent to this address comes back."""
        asked = {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}
        assert (asked["client_id"], asked["response_type"], asked["code_challenge_method"]) == (CLIENT, "code", "S256")
        code = token_urlsafe(16)
        self.codes[code] = asked
        return f"?code={code}&state={asked['state']}"

    def configuration(self) -> dict[str, Any]:
        return {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/keys",
            "token_endpoint_auth_methods_supported": ["client_secret_post"],
            **self.discovery,
        }

    def keys(self) -> dict[str, Any]:
        public = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(self.key.public_key()))
        return {"keys": [{**public, "kid": "1", "alg": "RS256", "use": "sig"}]}

    def exchange(self, form: dict[str, str]) -> dict[str, Any] | None:
        """The tokens for a code: once, to the client that holds the secret and the verifier."""
        asked = self.codes.pop(form.get("code", ""), None)
        verifier = base64.urlsafe_b64encode(hashlib.sha256(form.get("code_verifier", "").encode()).digest()).rstrip(b"=").decode()
        if asked is None or verifier != asked["code_challenge"] or form.get("client_secret") != SECRET:
            return None
        now = int(time.time())
        said = {"iss": self.issuer, "aud": CLIENT, "exp": now + 300, "iat": now, "nonce": asked.get("nonce"), **self.claims}
        return {"access_token": "x", "token_type": "Bearer", "id_token": self.token(said)}


def _handler(provider: IdentityProvider) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._say(provider.keys() if self.path == "/keys" else provider.configuration())

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            self._say(provider.exchange({name: values[0] for name, values in parse_qs(body).items()}))

        def _say(self, what: dict[str, Any] | None) -> None:
            body = json.dumps(what or {"error": "invalid_grant"}).encode()
            self.send_response(200 if what else 400)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_arguments: Any) -> None:
            pass

    return Handler
